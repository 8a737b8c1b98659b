#include <cstring>

#include "view_reader.h"

namespace connx {
namespace {

// Bytes that one entry of int32_data or uint64_data stands for: an element, or a byte of packed
// ones.
size_t entryWidth(int32_t type) {
  switch (type) {
    case 4: case 5: case 10: case 16: return 2;  // uint16 int16 float16 bfloat16
    case 6: case 12: return 4;                   // int32 uint32
    default: return 1;                           // bool and every type of at most 8 bits
  }
}

template <typename Source>
connx_bytes whole(const Source &entries) {
  return {reinterpret_cast<const uint8_t *>(entries.data()),
          static_cast<size_t>(entries.size()) * sizeof(*entries.data())};
}

// Keeps the low bytes of every entry (little endian).
template <typename Source>
void narrow(const Source &entries, size_t width, uint8_t *target) {
  for (const auto entry : entries) {
    std::memcpy(target, &entry, width);
    target += width;
  }
}

}  // namespace

// The fields by type are those of the comments in TensorProto.
connx_bytes ViewReader::tensorElements(const onnx::TensorProto &message) {
  if (message.has_raw_data()) return bytes(message.raw_data());
  switch (message.data_type()) {
    case 1: case 14: return whole(message.float_data());
    case 7: return whole(message.int64_data());
    case 11: case 15: return whole(message.double_data());
    case 13: return whole(message.uint64_data());
    case 6: return whole(message.int32_data());
    default: break;
  }
  const size_t width = entryWidth(message.data_type());
  const bool unsigned32 = message.data_type() == 12;
  const auto count = static_cast<size_t>(unsigned32 ? message.uint64_data_size()
                                                    : message.int32_data_size());
  auto *target = allocate<uint8_t>(count * width);
  if (unsigned32) narrow(message.uint64_data(), width, target);
  else narrow(message.int32_data(), width, target);
  return {target, count * width};
}

connx_tensor ViewReader::tensor(const onnx::TensorProto &message) {
  connx_tensor view{};
  view.name = bytes(message.name());
  view.doc_string = bytes(message.doc_string());
  view.data_type = message.data_type();
  view.dims = message.dims().data();
  view.dim_count = static_cast<size_t>(message.dims_size());
  view.unknown_fields = unknown(message);
  if (message.data_location() == onnx::TensorProto::EXTERNAL) {
    view.data_kind = CONNX_DATA_EXTERNAL;
    view.external = entries(message.external_data());
  } else if (const auto &segment = message.segment();
             message.has_segment() && 0 <= segment.begin() && segment.begin() <= segment.end() &&
             segment.end() <= fileSize) {
    view.data_kind = CONNX_DATA_IN_FILE;
    view.file_offset = segment.begin();
    view.file_count = segment.end() - segment.begin();
  } else if (message.data_type() == onnx::TensorProto::STRING) {
    view.data_kind = CONNX_DATA_STRINGS;
    view.strings = names(message.string_data());
  } else {
    view.data_kind = CONNX_DATA_INLINE;
    view.data = tensorElements(message);
  }
  return view;
}

connx_value ViewReader::value(const onnx::TensorProto &message) {
  connx_value view{};
  view.kind = CONNX_VALUE_TENSOR;
  view.name = bytes(message.name());
  view.tensor = tensor(message);
  return view;
}

connx_value ViewReader::value(const onnx::SequenceProto &message) {
  connx_value view{};
  view.kind = CONNX_VALUE_SEQUENCE;
  view.name = bytes(message.name());
  const auto count = static_cast<size_t>(message.tensor_values_size()) +
                     static_cast<size_t>(message.sequence_values_size()) +
                     static_cast<size_t>(message.optional_values_size());
  if (message.sparse_tensor_values_size() + message.map_values_size() > 0) {
    view.kind = CONNX_VALUE_UNSUPPORTED;
    return view;
  }
  auto *items = allocate<connx_value>(count);
  view.items = items;
  view.item_count = count;
  for (const auto &item : message.tensor_values()) *items++ = value(item);
  for (const auto &item : message.sequence_values()) *items++ = value(item);
  for (const auto &item : message.optional_values()) *items++ = value(item);
  return view;
}

connx_value ViewReader::value(const onnx::OptionalProto &message) {
  connx_value view{};
  view.kind = CONNX_VALUE_OPTIONAL;
  view.name = bytes(message.name());
  if (message.has_sparse_tensor_value() || message.has_map_value()) {
    view.kind = CONNX_VALUE_UNSUPPORTED;
    return view;
  }
  auto *item = allocate<connx_value>(1);
  if (message.has_tensor_value()) *item = value(message.tensor_value());
  else if (message.has_sequence_value()) *item = value(message.sequence_value());
  else if (message.has_optional_value()) *item = value(message.optional_value());
  else return view;
  view.items = item;
  view.item_count = 1;
  return view;
}

}  // namespace connx
