//! The few functions of the driver that a launch needs, found when the program runs.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::mem::transmute;
use std::ptr::null_mut;

unsafe extern "C" {
    fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

const RTLD_NOW: c_int = 2;

type Status = c_int;

struct Driver(*mut c_void);

impl Driver {
    fn open() -> Result<Driver, String> {
        let library = unsafe { dlopen(c"libcuda.so.1".as_ptr(), RTLD_NOW) };
        if library.is_null() { Err("there is no driver".to_owned()) } else { Ok(Driver(library)) }
    }

    fn function(&self, name: &CStr) -> Result<*mut c_void, String> {
        let function = unsafe { dlsym(self.0, name.as_ptr()) };
        if function.is_null() { Err(format!("the driver has no {name:?}")) } else { Ok(function) }
    }
}

fn check(what: &str, status: Status) -> Result<(), String> {
    if status == 0 { Ok(()) } else { Err(format!("{what} says {status}")) }
}

/// `y += a * x` on the first GPU; its name.
pub fn saxpy(code: &[u8], a: f32, x: &[f32], y: &mut [f32]) -> Result<String, String> {
    let driver = Driver::open()?;
    let mut name = [0 as c_char; 256];
    unsafe {
        let init: extern "C" fn(c_uint) -> Status = transmute(driver.function(c"cuInit")?);
        let device: extern "C" fn(*mut c_int, c_int) -> Status = transmute(driver.function(c"cuDeviceGet")?);
        let device_name: extern "C" fn(*mut c_char, c_int, c_int) -> Status =
            transmute(driver.function(c"cuDeviceGetName")?);
        let context: extern "C" fn(*mut *mut c_void, c_int) -> Status =
            transmute(driver.function(c"cuDevicePrimaryCtxRetain")?);
        let current: extern "C" fn(*mut c_void) -> Status = transmute(driver.function(c"cuCtxSetCurrent")?);
        let load: extern "C" fn(*mut *mut c_void, *const c_void) -> Status =
            transmute(driver.function(c"cuModuleLoadData")?);
        let find: extern "C" fn(*mut *mut c_void, *mut c_void, *const c_char) -> Status =
            transmute(driver.function(c"cuModuleGetFunction")?);
        let allocate: extern "C" fn(*mut u64, usize) -> Status = transmute(driver.function(c"cuMemAlloc_v2")?);
        let up: extern "C" fn(u64, *const c_void, usize) -> Status = transmute(driver.function(c"cuMemcpyHtoD_v2")?);
        let down: extern "C" fn(*mut c_void, u64, usize) -> Status = transmute(driver.function(c"cuMemcpyDtoH_v2")?);
        #[rustfmt::skip]
        let launch: extern "C" fn(
            *mut c_void, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, *mut c_void, *mut *mut c_void,
            *mut *mut c_void,
        ) -> Status = transmute(driver.function(c"cuLaunchKernel")?);

        let (mut gpu, mut module, mut kernel, mut context_of) = (0, null_mut(), null_mut(), null_mut());
        check("cuInit", init(0))?;
        check("cuDeviceGet", device(&mut gpu, 0))?;
        check("cuDeviceGetName", device_name(name.as_mut_ptr(), name.len() as c_int, gpu))?;
        check("cuDevicePrimaryCtxRetain", context(&mut context_of, gpu))?;
        check("cuCtxSetCurrent", current(context_of))?;
        check("cuModuleLoadData", load(&mut module, code.as_ptr().cast()))?;
        check("cuModuleGetFunction", find(&mut kernel, module, c"saxpy".as_ptr()))?;
        let bytes = size_of_val(x);
        let (mut device_x, mut device_y) = (0u64, 0u64);
        check("cuMemAlloc", allocate(&mut device_x, bytes))?;
        check("cuMemAlloc", allocate(&mut device_y, bytes))?;
        check("cuMemcpyHtoD", up(device_x, x.as_ptr().cast(), bytes))?;
        check("cuMemcpyHtoD", up(device_y, y.as_ptr().cast(), bytes))?;
        let (mut count, mut factor) = (x.len() as c_int, a);
        let mut arguments: [*mut c_void; 4] = [
            (&raw mut count).cast(),
            (&raw mut factor).cast(),
            (&raw mut device_x).cast(),
            (&raw mut device_y).cast(),
        ];
        let blocks = x.len().div_ceil(64) as c_uint;
        let launched =
            launch(kernel, blocks, 1, 1, 64, 1, 1, 0, null_mut(), arguments.as_mut_ptr(), null_mut());
        check("cuLaunchKernel", launched)?;
        check("cuMemcpyDtoH", down(y.as_mut_ptr().cast(), device_y, bytes))?;
        Ok(CStr::from_ptr(name.as_ptr()).to_string_lossy().into_owned())
    }
}
