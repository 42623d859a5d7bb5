//! With a prebuilt DuckDB library (`DUCKDB_LIB_DIR`, see the Makefile), the
//! binaries must find it when they are started directly and not by cargo.

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if let Ok(folder) = std::env::var("DUCKDB_LIB_DIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
