//! tablenet for MySQL and MariaDB: loadable functions, a thin border around `tablenet-core`.
//!
//! One library serves both servers. A loadable function `f` is three exported C symbols, `f_init`, `f` and
//! `f_deinit`; everything that can be refused is refused in `f_init`, since an error there carries a text.
//! Every entry point goes through [`guard`], because a panic that reached the server would end it.

#[cfg(not(panic = "unwind"))]
compile_error!(
    "tablenet-mysql needs panic = \"unwind\": an abort would take every connection of the server with it"
);

mod ffi;
mod guard;
mod version;
