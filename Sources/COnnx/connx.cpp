#include "COnnx.h"

#include <onnx/onnx_pb.h>

int connx_version(void) { return onnx::Version_MAX; }
