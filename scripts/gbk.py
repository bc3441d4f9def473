"""Text in GBK, as it is shown in a terminal."""

import codecs


def shown(data, is_cut=False):
    r"""The characters of a text, with \xHH for each malformed byte and each control character.
    If the text was cut, half a character at the end is left out."""
    decoder = codecs.getincrementaldecoder('gbk')('surrogateescape')
    return [one_shown(character) for character in decoder.decode(data, not is_cut)]


def one_shown(character):
    is_no_text = character < ' ' or character == '\x7f' or '\udc80' <= character <= '\udcff'
    return r'\x%02x' % (ord(character) & 0xff) if is_no_text else character


def columns(text):
    """How many columns of the screen a text takes: a Chinese character two."""
    return sum(1 if character < '\x80' else 2 for character in text)
