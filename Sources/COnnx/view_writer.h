// Fills messages from the C views.
#pragma once

#include <onnx/onnx_pb.h>

#include <stdexcept>
#include <string>

#include "COnnx.h"

namespace connx {

void fill(onnx::TensorProto &message, const connx_tensor &view);
void fill(onnx::TypeProto &message, const connx_type &view);
void fill(onnx::ValueInfoProto &message, const connx_value_info &view);
void fill(onnx::AttributeProto &message, const connx_attribute &view);
void fill(onnx::NodeProto &message, const connx_node &view);
void fill(onnx::GraphProto &message, const connx_graph &view);
void fill(onnx::FunctionProto &message, const connx_function &view);
void fill(onnx::ModelProto &message, const connx_model &view);

inline std::string text(const connx_bytes &bytes) {
  return std::string(reinterpret_cast<const char *>(bytes.start), bytes.count);
}

// Adds fields that were set aside when the message was read.
template <typename Message>
void merge(Message &message, const connx_bytes &fields) {
  if (fields.count > 0 && !message.MergeFromString(text(fields))) {
    throw std::invalid_argument("fields of another message");
  }
}

template <typename Target>
void fillNames(Target *target, const connx_names &names) {
  for (size_t i = 0; i < names.count; ++i) *target->Add() = text(names.items[i]);
}

// One message for every view of a list.
template <typename Target, typename View>
void fillAll(Target *target, const View *items, size_t count) {
  target->Reserve(static_cast<int>(count));
  for (size_t i = 0; i < count; ++i) fill(*target->Add(), items[i]);
}

inline void fillEntries(
    google::protobuf::RepeatedPtrField<onnx::StringStringEntryProto> *target,
    const connx_entries &entries) {
  for (size_t i = 0; i < entries.count; ++i) {
    auto *entry = target->Add();
    entry->set_key(text(entries.items[i].key));
    entry->set_value(text(entries.items[i].value));
  }
}

}  // namespace connx
