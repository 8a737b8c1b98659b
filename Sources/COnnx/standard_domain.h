#pragma once

namespace connx {

// The other spelling of the standard operators' domain, the empty string.
constexpr const char *standardDomain = "ai.onnx";

}  // namespace connx
