//! The `tokenward` command.

fn main() {
    let mut args = std::env::args_os();
    let argv0 = args.next().unwrap_or_default();
    std::process::exit(tokenward::cli::run(&argv0.to_string_lossy(), args));
}
