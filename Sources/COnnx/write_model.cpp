#include <fcntl.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>

#include <new>

#include "standard_domain.h"
#include "unknown_fields.h"
#include "view_writer.h"

namespace connx {
namespace {

using OperatorSets = google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>;

// Removes and returns the records of keepSpelling in read_model.cpp.
template <typename Message>
OperatorSets takeSpelling(Message &message) {
  OperatorSets records;
  records.Swap(message.mutable_opset_import());
  return records;
}

void fillOperatorSets(OperatorSets *target, const connx_operator_sets &sets,
                      const OperatorSets &records) {
  auto record = records.begin();
  for (size_t i = 0; i < sets.count; ++i) {
    const connx_operator_set &source = sets.items[i];
    auto *set = target->Add();
    set->set_version(source.version);
    set->set_domain(text(source.domain));
    if (source.domain.count > 0 || record == records.end()) continue;
    if (record->has_domain()) set->set_domain(record->domain());
    else set->clear_domain();
    ++record;
  }
}

}  // namespace

void fill(onnx::FunctionProto &message, const connx_function &view) {
  merge(message, view.unknown_fields);
  const OperatorSets spelling = takeSpelling(message);
  message.set_name(text(view.name));
  if (view.domain.count > 0) message.set_domain(text(view.domain));
  if (view.doc_string.count > 0) message.set_doc_string(text(view.doc_string));
  fillNames(message.mutable_input(), view.inputs);
  fillNames(message.mutable_output(), view.outputs);
  fillNames(message.mutable_attribute(), view.attribute_names);
  auto *fields = message.mutable_unknown_fields();
  for (size_t i = 0; i < view.attribute_defaults.count; ++i) {
    onnx::AttributeProto attribute;
    fill(attribute, view.attribute_defaults.items[i]);
    fields->AddLengthDelimited(functionAttributeDefaultField, attribute.SerializeAsString());
  }
  if (view.overload.count > 0) {
    fields->AddLengthDelimited(functionOverloadField, text(view.overload));
  }
  fillOperatorSets(message.mutable_opset_import(), view.operator_sets, spelling);
  fillAll(message.mutable_node(), view.nodes.items, view.nodes.count);
}

void fill(onnx::ModelProto &message, const connx_model &view) {
  merge(message, view.unknown_fields);
  const OperatorSets spelling = takeSpelling(message);
  message.set_ir_version(view.ir_version);
  if (view.producer_name.count > 0) message.set_producer_name(text(view.producer_name));
  if (view.producer_version.count > 0) message.set_producer_version(text(view.producer_version));
  if (view.domain.count > 0) message.set_domain(text(view.domain));
  if (view.model_version != 0) message.set_model_version(view.model_version);
  if (view.doc_string.count > 0) message.set_doc_string(text(view.doc_string));
  fillOperatorSets(message.mutable_opset_import(), view.operator_sets, spelling);
  fillEntries(message.mutable_metadata_props(), view.metadata);
  fillAll(message.mutable_functions(), view.functions, view.function_count);
  fill(*message.mutable_graph(), view.graph);
}

namespace {

connx_error serialize(const google::protobuf::Message &message, int descriptor) {
  if (message.ByteSizeLong() > INT32_MAX) return {CONNX_TOO_LARGE, 0, 0};
  constexpr int blockSize = 1 << 20;
  google::protobuf::io::FileOutputStream output(descriptor, blockSize);
  if (message.SerializeToZeroCopyStream(&output) && output.Flush()) return {CONNX_OK, 0, 0};
  return {CONNX_SYSTEM, output.GetErrno(), 0};
}

template <typename Message, typename View>
connx_status write(const View &view, int descriptor, connx_error *error) {
  try {
    google::protobuf::SetLogHandler(nullptr);
    Message message;
    fill(message, view);
    *error = serialize(message, descriptor);
  } catch (const std::bad_alloc &) {
    *error = {CONNX_MEMORY, 0, 0};
  } catch (...) {
    *error = {CONNX_INTERNAL, 0, 0};
  }
  return error->status;
}

}  // namespace
}  // namespace connx

connx_status connx_write_model(const connx_model *model, int descriptor, connx_error *error) {
  return connx::write<onnx::ModelProto>(*model, descriptor, error);
}

connx_status connx_write_tensor(const connx_tensor *tensor, int descriptor, connx_error *error) {
  return connx::write<onnx::TensorProto>(*tensor, descriptor, error);
}
