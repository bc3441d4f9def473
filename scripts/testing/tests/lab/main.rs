//! The tests of the scripts, the pages and the network: what belongs to no single program.

#[cfg(unix)]
mod checker;
#[cfg(unix)]
mod drawings;
#[cfg(unix)]
mod handout;
#[cfg(unix)]
mod load;
#[cfg(unix)]
mod network;
#[cfg(unix)]
mod pair;
#[cfg(unix)]
mod peers;
#[cfg(unix)]
mod scripts;
#[cfg(unix)]
mod sentences;
#[cfg(unix)]
mod sheets;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    let parts = [
        checker::tests(),
        drawings::tests(),
        handout::tests(),
        load::tests(),
        network::tests(),
        pair::tests(),
        peers::tests(),
        scripts::tests(),
        sentences::tests(),
        sheets::tests(),
    ];
    testing::lab(parts.into_iter().flatten().collect())
}

#[cfg(not(unix))]
fn main() {} // there is no bash

/// A folder with Chinese and a space in its name.
#[cfg(unix)]
fn scratch_folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("文件 夹").tempdir().expect("a folder")
}
