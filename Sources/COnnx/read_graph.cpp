#include "standard_domain.h"
#include "unknown_fields.h"
#include "view_reader.h"

namespace connx {
namespace {

// Denotations have no view; neither has what this libonnx does not know.
bool isPlain(const onnx::TypeProto &message) {
  if (message.has_denotation() || !message.unknown_fields().empty()) return false;
  switch (message.value_case()) {
    case onnx::TypeProto::kTensorType:
      for (const auto &dim : message.tensor_type().shape().dim()) {
        if (dim.has_denotation()) return false;
      }
      return true;
    case onnx::TypeProto::kSequenceType: return isPlain(message.sequence_type().elem_type());
    case onnx::TypeProto::kOptionalType: return isPlain(message.optional_type().elem_type());
    default: return true;
  }
}

}  // namespace

connx_bytes ViewReader::keep(const std::string &text) {
  auto *copy = allocate<uint8_t>(text.size());
  std::copy(text.begin(), text.end(), copy);
  return {copy, text.size()};
}

connx_entries ViewReader::entries(
    const google::protobuf::RepeatedPtrField<onnx::StringStringEntryProto> &source) {
  return list<connx_entries>(source, [](const onnx::StringStringEntryProto &entry) {
    return connx_entry{bytes(entry.key()), bytes(entry.value())};
  });
}

connx_type ViewReader::type(const onnx::TypeProto &message) {
  connx_type view{};
  view.serialized = serialized(message);
  const onnx::TypeProto *element = nullptr;
  switch (message.value_case()) {
    case onnx::TypeProto::kTensorType: {
      const auto &tensor = message.tensor_type();
      view.kind = CONNX_TYPE_TENSOR;
      view.element_type = tensor.elem_type();
      view.has_shape = tensor.has_shape();
      auto *dims = allocate<connx_dimension>(static_cast<size_t>(tensor.shape().dim_size()));
      view.dims = dims;
      view.dim_count = static_cast<size_t>(tensor.shape().dim_size());
      for (const auto &dim : tensor.shape().dim()) {
        if (dim.has_dim_value()) *dims = {CONNX_DIMENSION_FIXED, dim.dim_value(), {}};
        else if (dim.has_dim_param()) *dims = {CONNX_DIMENSION_SYMBOLIC, 0, bytes(dim.dim_param())};
        ++dims;
      }
      return view;
    }
    case onnx::TypeProto::kSequenceType:
      view.kind = CONNX_TYPE_SEQUENCE;
      element = &message.sequence_type().elem_type();
      break;
    case onnx::TypeProto::kOptionalType:
      view.kind = CONNX_TYPE_OPTIONAL;
      element = &message.optional_type().elem_type();
      break;
    default: view.kind = CONNX_TYPE_OPAQUE; return view;
  }
  auto *inner = allocate<connx_type>(1);
  *inner = type(*element);
  view.element = inner;
  return view;
}

connx_bytes ViewReader::remainder(const onnx::ValueInfoProto &message) {
  const bool plain = isPlain(message.type());
  if (plain && message.unknown_fields().empty()) return {};
  onnx::ValueInfoProto rest;
  rest.mutable_unknown_fields()->MergeFrom(message.unknown_fields());
  if (!plain) *rest.mutable_type() = message.type();
  return serialized(rest);
}

connx_value_info ViewReader::valueInfo(const onnx::ValueInfoProto &message) {
  connx_value_info view{};
  view.name = bytes(message.name());
  view.doc_string = bytes(message.doc_string());
  if (message.has_type()) view.type = type(message.type());
  view.unknown_fields = remainder(message);
  return view;
}

connx_attribute ViewReader::attribute(const onnx::AttributeProto &message) {
  connx_attribute view{};
  view.name = bytes(message.name());
  view.doc_string = bytes(message.doc_string());
  view.reference = bytes(message.ref_attr_name());
  view.type = message.type();
  const auto mark = [&view](connx_attribute_type type, bool present) {
    if (present) view.present |= 1u << type;
    return present;
  };
  if (mark(CONNX_ATTRIBUTE_FLOAT, message.has_f())) view.f = message.f();
  if (mark(CONNX_ATTRIBUTE_INT, message.has_i())) view.i = message.i();
  if (mark(CONNX_ATTRIBUTE_STRING, message.has_s())) view.s = bytes(message.s());
  mark(CONNX_ATTRIBUTE_FLOATS, message.floats_size() > 0);
  view.floats = message.floats().data();
  view.float_count = static_cast<size_t>(message.floats_size());
  mark(CONNX_ATTRIBUTE_INTS, message.ints_size() > 0);
  view.ints = message.ints().data();
  view.int_count = static_cast<size_t>(message.ints_size());
  mark(CONNX_ATTRIBUTE_STRINGS, message.strings_size() > 0);
  view.strings = names(message.strings());
  if (mark(CONNX_ATTRIBUTE_TENSOR, message.has_t())) {
    auto *item = allocate<connx_tensor>(1);
    *item = tensor(message.t());
    view.tensors = {item, 1};
  } else if (mark(CONNX_ATTRIBUTE_TENSORS, message.tensors_size() > 0)) {
    view.tensors = list<connx_tensors>(message.tensors(), [this](const auto &t) { return tensor(t); });
  }
  if (mark(CONNX_ATTRIBUTE_GRAPH, message.has_g())) {
    auto *item = allocate<connx_graph>(1);
    *item = graph(message.g());
    view.graphs = item;
    view.graph_count = 1;
  } else if (mark(CONNX_ATTRIBUTE_GRAPHS, message.graphs_size() > 0)) {
    auto *items = allocate<connx_graph>(static_cast<size_t>(message.graphs_size()));
    for (int i = 0; i < message.graphs_size(); ++i) items[i] = graph(message.graphs(i));
    view.graphs = items;
    view.graph_count = static_cast<size_t>(message.graphs_size());
  }
  bool opaque = mark(CONNX_ATTRIBUTE_SPARSE_TENSOR, message.has_sparse_tensor());
  opaque = mark(CONNX_ATTRIBUTE_SPARSE_TENSORS, message.sparse_tensors_size() > 0) || opaque;
  opaque = mark(CONNX_ATTRIBUTE_TYPE_PROTO, message.has_tp()) || opaque;
  opaque = mark(CONNX_ATTRIBUTE_TYPE_PROTOS, message.type_protos_size() > 0) || opaque;
  if (opaque) view.serialized = serialized(message);
  view.unknown_fields = unknown(message);
  return view;
}

connx_bytes ViewReader::remainder(const onnx::NodeProto &message) {
  const bool spelled = message.domain() == standardDomain;
  if (!spelled && message.unknown_fields().empty()) return {};
  onnx::NodeProto rest;
  if (spelled) rest.set_domain(standardDomain);
  rest.mutable_unknown_fields()->MergeFrom(message.unknown_fields());
  rest.mutable_unknown_fields()->DeleteByNumber(nodeOverloadField);
  return serialized(rest);
}

connx_node ViewReader::node(const onnx::NodeProto &message) {
  connx_node view{};
  view.name = bytes(message.name());
  view.op = bytes(message.op_type());
  if (message.domain() != standardDomain) view.domain = bytes(message.domain());
  view.doc_string = bytes(message.doc_string());
  if (const auto *overload = findBytes(message.unknown_fields(), nodeOverloadField)) {
    view.overload = bytes(*overload);
  }
  view.inputs = names(message.input());
  view.outputs = names(message.output());
  view.attributes = list<connx_attributes>(
      message.attribute(), [this](const auto &item) { return attribute(item); });
  view.unknown_fields = remainder(message);
  return view;
}

// Sparse initializers and annotations as they are; of dense initializers what has no view, under
// their names.
connx_bytes ViewReader::remainder(const onnx::GraphProto &message) {
  onnx::GraphProto rest;
  *rest.mutable_sparse_initializer() = message.sparse_initializer();
  *rest.mutable_quantization_annotation() = message.quantization_annotation();
  rest.mutable_unknown_fields()->MergeFrom(message.unknown_fields());
  for (const auto &tensor : message.initializer()) {
    if (tensor.doc_string().empty() && tensor.unknown_fields().empty()) continue;
    auto *stub = rest.add_initializer();
    stub->set_name(tensor.name());
    if (!tensor.doc_string().empty()) stub->set_doc_string(tensor.doc_string());
    stub->mutable_unknown_fields()->MergeFrom(tensor.unknown_fields());
  }
  return serialized(rest);
}

connx_graph ViewReader::graph(const onnx::GraphProto &message) {
  connx_graph view{};
  const auto infos = [this](const auto &source) {
    return list<connx_value_infos>(source, [this](const auto &item) { return valueInfo(item); });
  };
  view.name = bytes(message.name());
  view.doc_string = bytes(message.doc_string());
  view.inputs = infos(message.input());
  view.outputs = infos(message.output());
  view.value_infos = infos(message.value_info());
  view.initializers = list<connx_tensors>(
      message.initializer(), [this](const auto &item) { return tensor(item); });
  view.nodes = list<connx_nodes>(message.node(), [this](const auto &item) { return node(item); });
  auto *sparse = allocate<connx_bytes>(static_cast<size_t>(message.sparse_initializer_size()));
  view.sparse_names = {sparse, static_cast<size_t>(message.sparse_initializer_size())};
  for (const auto &item : message.sparse_initializer()) *sparse++ = bytes(item.values().name());
  view.unknown_fields = remainder(message);
  return view;
}

}  // namespace connx
