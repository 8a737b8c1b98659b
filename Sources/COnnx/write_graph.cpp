#include <map>
#include <utility>

#include "unknown_fields.h"
#include "view_writer.h"

namespace connx {
namespace {

// The type without what a view leaves out.
void strip(onnx::TypeProto &message) {
  message.clear_denotation();
  message.mutable_unknown_fields()->Clear();
  switch (message.value_case()) {
    case onnx::TypeProto::kTensorType:
      if (!message.tensor_type().has_shape()) break;
      for (auto &dim : *message.mutable_tensor_type()->mutable_shape()->mutable_dim()) {
        dim.clear_denotation();
      }
      break;
    case onnx::TypeProto::kSequenceType:
      strip(*message.mutable_sequence_type()->mutable_elem_type());
      break;
    case onnx::TypeProto::kOptionalType:
      strip(*message.mutable_optional_type()->mutable_elem_type());
      break;
    default: break;
  }
}

bool isDecorated(const onnx::TypeProto &decorated, const onnx::TypeProto &plain) {
  onnx::TypeProto copy = decorated;
  strip(copy);
  onnx::TypeProto other = plain;
  strip(other);
  return copy.SerializeAsString() == other.SerializeAsString();
}

}  // namespace

void fill(onnx::TensorProto &message, const connx_tensor &view) {
  for (size_t i = 0; i < view.dim_count; ++i) message.add_dims(view.dims[i]);
  message.set_data_type(view.data_type);
  if (view.name.count > 0) message.set_name(text(view.name));
  if (view.doc_string.count > 0) message.set_doc_string(text(view.doc_string));
  switch (view.data_kind) {
    case CONNX_DATA_STRINGS: fillNames(message.mutable_string_data(), view.strings); break;
    case CONNX_DATA_EXTERNAL:
      message.set_data_location(onnx::TensorProto::EXTERNAL);
      fillEntries(message.mutable_external_data(), view.external);
      break;
    default: message.set_raw_data(view.data.start, view.data.count); break;
  }
  merge(message, view.unknown_fields);
}

void fill(onnx::TypeProto &message, const connx_type &view) {
  switch (view.kind) {
    case CONNX_TYPE_NONE: break;
    case CONNX_TYPE_TENSOR: {
      auto *tensor = message.mutable_tensor_type();
      tensor->set_elem_type(view.element_type);
      if (!view.has_shape) break;
      auto *shape = tensor->mutable_shape();
      for (size_t i = 0; i < view.dim_count; ++i) {
        const connx_dimension &source = view.dims[i];
        auto *dim = shape->add_dim();
        if (source.kind == CONNX_DIMENSION_FIXED) dim->set_dim_value(source.size);
        if (source.kind == CONNX_DIMENSION_SYMBOLIC) dim->set_dim_param(text(source.symbol));
      }
      break;
    }
    case CONNX_TYPE_SEQUENCE:
      fill(*message.mutable_sequence_type()->mutable_elem_type(), *view.element);
      break;
    case CONNX_TYPE_OPTIONAL:
      fill(*message.mutable_optional_type()->mutable_elem_type(), *view.element);
      break;
    case CONNX_TYPE_OPAQUE: merge(message, view.serialized); break;
  }
}

void fill(onnx::ValueInfoProto &message, const connx_value_info &view) {
  merge(message, view.unknown_fields);
  message.set_name(text(view.name));
  if (view.doc_string.count > 0) message.set_doc_string(text(view.doc_string));
  onnx::TypeProto type;
  fill(type, view.type);
  // The decorated type came along with the unknown fields; it holds while the type is the same.
  if (message.has_type() && isDecorated(message.type(), type)) return;
  if (view.type.kind == CONNX_TYPE_NONE) message.clear_type();
  else *message.mutable_type() = std::move(type);
}

void fill(onnx::AttributeProto &message, const connx_attribute &view) {
  if (view.serialized.count > 0) {
    merge(message, view.serialized);
    message.set_name(text(view.name));
    return;
  }
  message.set_name(text(view.name));
  if (view.doc_string.count > 0) message.set_doc_string(text(view.doc_string));
  message.set_type(static_cast<onnx::AttributeProto_AttributeType>(view.type));
  merge(message, view.unknown_fields);
  if (view.reference.count > 0) {
    message.set_ref_attr_name(text(view.reference));
    return;
  }
  switch (view.type) {
    case CONNX_ATTRIBUTE_FLOAT: message.set_f(view.f); break;
    case CONNX_ATTRIBUTE_INT: message.set_i(view.i); break;
    case CONNX_ATTRIBUTE_STRING: message.set_s(text(view.s)); break;
    case CONNX_ATTRIBUTE_TENSOR:
      if (view.tensors.count > 0) fill(*message.mutable_t(), view.tensors.items[0]);
      break;
    case CONNX_ATTRIBUTE_GRAPH:
      if (view.graph_count > 0) fill(*message.mutable_g(), view.graphs[0]);
      break;
    case CONNX_ATTRIBUTE_FLOATS:
      message.mutable_floats()->Add(view.floats, view.floats + view.float_count);
      break;
    case CONNX_ATTRIBUTE_INTS:
      message.mutable_ints()->Add(view.ints, view.ints + view.int_count);
      break;
    case CONNX_ATTRIBUTE_STRINGS: fillNames(message.mutable_strings(), view.strings); break;
    case CONNX_ATTRIBUTE_TENSORS:
      fillAll(message.mutable_tensors(), view.tensors.items, view.tensors.count);
      break;
    case CONNX_ATTRIBUTE_GRAPHS:
      fillAll(message.mutable_graphs(), view.graphs, view.graph_count);
      break;
    default: throw std::invalid_argument("an attribute type without a view");
  }
}

void fill(onnx::NodeProto &message, const connx_node &view) {
  merge(message, view.unknown_fields);
  fillNames(message.mutable_input(), view.inputs);
  fillNames(message.mutable_output(), view.outputs);
  if (view.name.count > 0) message.set_name(text(view.name));
  message.set_op_type(text(view.op));
  if (view.domain.count > 0) message.set_domain(text(view.domain));
  if (view.doc_string.count > 0) message.set_doc_string(text(view.doc_string));
  if (view.overload.count > 0) {
    message.mutable_unknown_fields()->AddLengthDelimited(nodeOverloadField, text(view.overload));
  }
  fillAll(message.mutable_attribute(), view.attributes.items, view.attributes.count);
}

void fill(onnx::GraphProto &message, const connx_graph &view) {
  merge(message, view.unknown_fields);
  // What initializers had beside their elements, by name; see ViewReader::remainder.
  std::map<std::string, onnx::TensorProto> stubs;
  for (auto &stub : *message.mutable_initializer()) stubs[stub.name()] = std::move(stub);
  message.clear_initializer();
  if (view.name.count > 0) message.set_name(text(view.name));
  if (view.doc_string.count > 0) message.set_doc_string(text(view.doc_string));
  fillAll(message.mutable_input(), view.inputs.items, view.inputs.count);
  fillAll(message.mutable_output(), view.outputs.items, view.outputs.count);
  fillAll(message.mutable_value_info(), view.value_infos.items, view.value_infos.count);
  fillAll(message.mutable_initializer(), view.initializers.items, view.initializers.count);
  if (!stubs.empty()) {
    for (auto &tensor : *message.mutable_initializer()) {
      if (const auto stub = stubs.find(tensor.name()); stub != stubs.end()) {
        tensor.MergeFrom(stub->second);
      }
    }
  }
  fillAll(message.mutable_node(), view.nodes.items, view.nodes.count);
}

}  // namespace connx
