// Fields that this libonnx does not know, because they came with a newer ONNX.
#pragma once

#include <google/protobuf/unknown_field_set.h>

#include <string>

namespace connx {

// Field numbers of later versions of onnx.proto that have a view.
constexpr int nodeOverloadField = 8;
constexpr int functionAttributeDefaultField = 11;
constexpr int functionOverloadField = 13;

// The last length-delimited field of that number, null where there is none.
inline const std::string *findBytes(const google::protobuf::UnknownFieldSet &fields, int number) {
  const std::string *found = nullptr;
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto &field = fields.field(i);
    if (field.number() == number &&
        field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      found = &field.length_delimited();
    }
  }
  return found;
}

}  // namespace connx
