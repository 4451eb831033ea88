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
// each element. Four sums in the order of `dot.c`, which rounds alike as long as nothing is fused.
extern "C" KERNEL void matmul_transposed(int inner, int columns, const float *a, const float *b, float *product) {
  int row = ROW, column = COLUMN;
  if (column >= columns) return;
  a += row * inner;
  b += column * inner;
  float sums[4] = {0, 0, 0, 0};
  int i = 0;
  for (; i + 4 <= inner; i += 4)
    for (int lane = 0; lane < 4; lane++) sums[lane] += a[i + lane] * b[i + lane];
  float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (; i < inner; i++) sum += a[i] * b[i];
  product[row * columns + column] = sum;
}
