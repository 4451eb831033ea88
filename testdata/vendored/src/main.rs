//! Says what three packages from elsewhere have to say.

fn main() {
    println!("{}, {}", old_words::greeting(), shout::loudly(words::greeting()));
}
