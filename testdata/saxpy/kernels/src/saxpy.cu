// Without any header: the compilers of both vendors know what they need.
#ifdef __HIP__
#define KERNEL __attribute__((global))
#define INDEX (__builtin_amdgcn_workgroup_id_x() * 64 + __builtin_amdgcn_workitem_id_x())
#else
#define KERNEL __global__
#define INDEX (blockIdx.x * 64 + threadIdx.x)
#endif

extern "C" KERNEL void saxpy(int n, float a, const float *x, float *y) {
  int i = INDEX;
  if (i < n) y[i] = a * x[i] + y[i];
}
