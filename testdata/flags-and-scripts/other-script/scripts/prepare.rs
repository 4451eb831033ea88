fn main() { panic!("the configuration has what this would say") }
