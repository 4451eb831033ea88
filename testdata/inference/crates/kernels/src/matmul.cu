// Needs no header: the compilers of both vendors know these names.
#ifdef __HIP__
#define KERNEL __attribute__((global))
#define COLUMN (__builtin_amdgcn_workgroup_id_x() * 64 + __builtin_amdgcn_workitem_id_x())
#define ROW (__builtin_amdgcn_workgroup_id_y())
#else
#define KERNEL __global__
#define COLUMN (blockIdx.x * 64 + threadIdx.x)
#define ROW (blockIdx.y)
#endif

// The product of a matrix and another one transposed, as `Matrix::matmul_transposed` of the crate `tensor`: an item for
// each element, the sum in the order of the CPU's.
extern "C" KERNEL void matmul_transposed(int inner, int columns, const float *a, const float *b, float *product) {
  int row = ROW, column = COLUMN;
  if (column >= columns) return;
  float sum = 0;
  for (int i = 0; i < inner; i++) sum += a[row * inner + i] * b[column * inner + i];
  product[row * columns + column] = sum;
}
