// max(x * weights + bias, 0) for eight rows, as StableHLO.
module @layer attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%x: tensor<8x128xbf16>, %weights: tensor<128x256xbf16>, %bias: tensor<256xf32>) -> tensor<8x256xf32> {
    %product = stablehlo.dot_general %x, %weights, contracting_dims = [1] x [0] : (tensor<8x128xbf16>, tensor<128x256xbf16>) -> tensor<8x256xf32>
    %rows = stablehlo.broadcast_in_dim %bias, dims = [1] : (tensor<256xf32>) -> tensor<8x256xf32>
    %sum = stablehlo.add %product, %rows : tensor<8x256xf32>
    %zero = stablehlo.constant dense<0.0> : tensor<8x256xf32>
    %positive = stablehlo.maximum %sum, %zero : tensor<8x256xf32>
    return %positive : tensor<8x256xf32>
  }
}
