fn main() -> anyhow::Result<()> {
    let mut buffer = itoa::Buffer::new();
    let mut old = itoa_0::Buffer::new();
    println!("{} {} 3", buffer.format(1), old.format(2));
    Ok(())
}
