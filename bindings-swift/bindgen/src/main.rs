//! Writes Swift: of the library's metadata the border, and of the core's table the settings. A crate of its own: the
//! library needs none of it.

mod settings;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("settings") {
        print!("{}", settings::file());
    } else {
        uniffi::uniffi_bindgen_swift();
    }
}
