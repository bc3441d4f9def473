"""Text in GBK, as it is shown in a terminal."""

import codecs
import re


def shown(data, is_cut=False):
    r"""The text, with \xHH for each malformed byte and each control character. If it was cut, half a
    character at the end is left out."""
    decoder = codecs.getincrementaldecoder("gbk")("backslashreplace")
    text = decoder.decode(data, not is_cut)
    return re.sub("[\0-\x1f\x7f]", lambda control: f"\\x{ord(control[0]):02x}", text)


def columns(text):
    """How many columns of the screen a text takes: a Chinese character two."""
    return sum(1 if character < "\x80" else 2 for character in text)
