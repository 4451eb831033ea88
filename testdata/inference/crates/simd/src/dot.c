#include <stddef.h>

/* Four sums, so that the compiler can keep them in one vector register without reordering any
   addition: the result does not depend on the instruction set. */
float dot_f32(const float *a, const float *b, size_t len) {
    float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    size_t i = 0;
    for (; i + 4 <= len; i += 4) {
        for (size_t lane = 0; lane < 4; lane++) {
            sums[lane] += a[i + lane] * b[i + lane];
        }
    }
    float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; i < len; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}
