// Fills the C views from parsed messages.
#pragma once

#include <onnx/onnx-data_pb.h>

#include <memory>
#include <memory_resource>
#include <string>
#include <vector>

#include "COnnx.h"

namespace connx {

// Views point into the messages and into this reader; both must outlive them.
class ViewReader {
 public:
  // Bytes of the file that hollow() has read; a segment beyond it does not come from there.
  int64_t fileSize = 0;

  connx_model model(const onnx::ModelProto &message);
  connx_tensor tensor(const onnx::TensorProto &message);
  connx_value value(const onnx::SequenceProto &message);
  connx_value value(const onnx::OptionalProto &message);
  connx_value value(const onnx::TensorProto &message);

 private:
  connx_graph graph(const onnx::GraphProto &message);
  connx_node node(const onnx::NodeProto &message);
  connx_attribute attribute(const onnx::AttributeProto &message);
  connx_function function(const onnx::FunctionProto &message);
  connx_value_info valueInfo(const onnx::ValueInfoProto &message);
  connx_type type(const onnx::TypeProto &message);
  connx_operator_set operatorSet(const onnx::OperatorSetIdProto &message);
  connx_bytes tensorElements(const onnx::TensorProto &message);
  connx_bytes remainder(const onnx::GraphProto &message);
  connx_bytes remainder(const onnx::NodeProto &message);
  connx_bytes remainder(const onnx::FunctionProto &message);
  connx_bytes remainder(const onnx::ModelProto &message);
  connx_bytes remainder(const onnx::ValueInfoProto &message);

  template <typename Element>
  Element *allocate(size_t count) {
    auto *start = static_cast<Element *>(
        arena_.allocate(count * sizeof(Element) + 1, alignof(Element)));
    return new (start) Element[count]();
  }

  static connx_bytes bytes(const std::string &text) {
    return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
  }

  connx_bytes keep(const std::string &text);

  // Serializes a message of the same kind that holds only what has no view.
  template <typename Message>
  connx_bytes serialized(const Message &message) {
    return keep(message.SerializeAsString());
  }

  template <typename Source>
  connx_bytes unknown(const Source &message) {
    if (message.unknown_fields().empty()) return {};
    Source rest;
    rest.mutable_unknown_fields()->MergeFrom(message.unknown_fields());
    return serialized(rest);
  }

  template <typename Source>
  connx_names names(const Source &source) {
    auto *items = allocate<connx_bytes>(static_cast<size_t>(source.size()));
    for (int i = 0; i < source.size(); ++i) items[i] = bytes(source.Get(i));
    return {items, static_cast<size_t>(source.size())};
  }

  connx_entries entries(
      const google::protobuf::RepeatedPtrField<onnx::StringStringEntryProto> &source);

  // Views of the elements of a repeated field, each made by `make`.
  template <typename List, typename Source, typename Make>
  List list(const Source &source, Make make) {
    using View = std::remove_const_t<std::remove_pointer_t<decltype(List::items)>>;
    auto *items = allocate<View>(static_cast<size_t>(source.size()));
    for (int i = 0; i < source.size(); ++i) items[i] = make(source.Get(i));
    return {items, static_cast<size_t>(source.size())};
  }

  std::pmr::monotonic_buffer_resource arena_;
  std::vector<std::unique_ptr<onnx::AttributeProto>> defaults_;
};

}  // namespace connx
