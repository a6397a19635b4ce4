//! Keeps the library mapped after the last `DROP FUNCTION`: thread-local destructors may still be pending in
//! connection threads of the server.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}
