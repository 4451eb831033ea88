//! Looks after the store.

fn main() {
    let healthy = std::path::Path::new("/srv/static/index.html").is_file();
    println!("{}", if healthy { "healthy" } else { "nothing to serve" });
    std::process::exit(i32::from(!healthy));
}
