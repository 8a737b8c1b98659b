#include "standard_domain.h"
#include "unknown_fields.h"
#include "view_reader.h"

namespace connx {

connx_operator_set ViewReader::operatorSet(const onnx::OperatorSetIdProto &message) {
  if (message.domain() == standardDomain) return {{}, message.version()};
  return {bytes(message.domain()), message.version()};
}

namespace {

// An operator set without a version records how the standard domain was written: spelled out, or
// not at all. An empty string is the usual form and needs no record.
template <typename Sets, typename Message>
void keepSpelling(const Sets &sets, Message &rest) {
  for (const auto &item : sets) {
    if (item.domain() == standardDomain) rest.add_opset_import()->set_domain(standardDomain);
    else if (!item.has_domain()) rest.add_opset_import();
  }
}

}  // namespace

connx_bytes ViewReader::remainder(const onnx::FunctionProto &message) {
  onnx::FunctionProto rest;
  if (message.domain() == standardDomain) rest.set_domain(standardDomain);
  keepSpelling(message.opset_import(), rest);
  auto *fields = rest.mutable_unknown_fields();
  fields->MergeFrom(message.unknown_fields());
  fields->DeleteByNumber(functionAttributeDefaultField);
  fields->DeleteByNumber(functionOverloadField);
  return serialized(rest);
}

connx_function ViewReader::function(const onnx::FunctionProto &message) {
  connx_function view{};
  view.name = bytes(message.name());
  if (message.domain() != standardDomain) view.domain = bytes(message.domain());
  view.doc_string = bytes(message.doc_string());
  const auto &fields = message.unknown_fields();
  if (const auto *overload = findBytes(fields, functionOverloadField)) {
    view.overload = bytes(*overload);
  }
  std::vector<connx_attribute> defaults;
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto &field = fields.field(i);
    if (field.number() != functionAttributeDefaultField ||
        field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      continue;
    }
    auto parsed = std::make_unique<onnx::AttributeProto>();
    if (!parsed->ParseFromString(field.length_delimited())) continue;
    defaults.push_back(attribute(*parsed));
    defaults_.push_back(std::move(parsed));
  }
  auto *kept = allocate<connx_attribute>(defaults.size());
  std::copy(defaults.begin(), defaults.end(), kept);
  view.attribute_defaults = {kept, defaults.size()};
  view.inputs = names(message.input());
  view.outputs = names(message.output());
  view.attribute_names = names(message.attribute());
  view.operator_sets = list<connx_operator_sets>(
      message.opset_import(), [this](const auto &item) { return operatorSet(item); });
  view.nodes = list<connx_nodes>(message.node(), [this](const auto &item) { return node(item); });
  view.unknown_fields = remainder(message);
  return view;
}

connx_bytes ViewReader::remainder(const onnx::ModelProto &message) {
  onnx::ModelProto rest;
  *rest.mutable_training_info() = message.training_info();
  rest.mutable_unknown_fields()->MergeFrom(message.unknown_fields());
  keepSpelling(message.opset_import(), rest);
  return serialized(rest);
}

connx_model ViewReader::model(const onnx::ModelProto &message) {
  connx_model view{};
  view.ir_version = message.ir_version();
  view.model_version = message.model_version();
  view.producer_name = bytes(message.producer_name());
  view.producer_version = bytes(message.producer_version());
  view.domain = bytes(message.domain());
  view.doc_string = bytes(message.doc_string());
  view.operator_sets = list<connx_operator_sets>(
      message.opset_import(), [this](const auto &item) { return operatorSet(item); });
  view.metadata = entries(message.metadata_props());
  auto *functions = allocate<connx_function>(static_cast<size_t>(message.functions_size()));
  view.functions = functions;
  view.function_count = static_cast<size_t>(message.functions_size());
  for (const auto &item : message.functions()) *functions++ = function(item);
  view.has_graph = message.has_graph();
  if (message.has_graph()) view.graph = graph(message.graph());
  view.unknown_fields = remainder(message);
  return view;
}

}  // namespace connx
