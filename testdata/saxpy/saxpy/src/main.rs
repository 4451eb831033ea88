mod cuda;

fn main() {
    let x: Vec<f32> = (0..1000).map(|i| i as f32).collect();
    let mut y = vec![1.0; x.len()];
    let place = match kernels::DEVICE_CODE {
        Some(("cuda", code)) => match cuda::saxpy(code, 2.0, &x, &mut y) {
            Ok(device) => device,
            Err(why) => {
                println!("{} bytes for cuda, but {why}", code.len());
                on_cpu(2.0, &x, &mut y)
            }
        },
        Some((name, code)) => {
            // Nothing here loads it, and the linker leaves out what nobody looks at.
            println!("{} bytes for {name}", std::hint::black_box(code).len());
            on_cpu(2.0, &x, &mut y)
        }
        None => on_cpu(2.0, &x, &mut y),
    };
    println!("{} on {place}", numbers::shown(&y));
}

fn on_cpu(a: f32, x: &[f32], y: &mut [f32]) -> String {
    for (x, y) in x.iter().zip(y) {
        *y += a * x;
    }
    if cfg!(target_feature = "avx2") { "the CPU, with AVX2".to_owned() } else { "the CPU".to_owned() }
}
