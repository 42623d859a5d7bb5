//! With a prebuilt `DuckDB` library (`DUCKDB_LIB_DIR`, see the makefile), the
//! binaries must find it when they are started directly and not by cargo.

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if let Some(folder) = std::env::var_os("DUCKDB_LIB_DIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    }
}
