fn main() {
    print!("{}", include_str!("../../NOTES.md"));
}
