// Reads a message without the elements of its large tensors.
#pragma once

#include <cstdint>
#include <string>

#include "COnnx.h"

namespace connx {

enum class Root { model, tensor, other };

// Copies the message in `descriptor` (of `size` bytes) to `skeleton`, replacing the payload of
// every large raw_data, float_data and double_data field of the tensors that have views by
// TensorProto.segment{begin, end}: its place in the file. The elements can then be read straight
// into aligned memory, once. `segment` itself is a relic that no runtime reads; files that hold
// it are refused, so that it cannot be forged.
connx_error hollow(int descriptor, int64_t size, Root root, std::string &skeleton);

}  // namespace connx
