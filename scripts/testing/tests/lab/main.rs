//! The tests that belong to no single program. They mostly wait, so they are one program, which runs
//! them side by side.

mod class;
mod drawings;
mod load;
mod nc;
mod network;
mod pair;
mod peers;
mod scripts;
mod sheets;
