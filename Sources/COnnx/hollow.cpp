#include "hollow.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/wire_format_lite.h>

#include <utility>

namespace connx {
namespace {

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::FileInputStream;
using Wire = google::protobuf::internal::WireFormatLite;

enum class Message { none, model, function, graph, node, attribute, tensor };

constexpr int smallestHollowed = 1024;
constexpr int deepestNesting = 100;
constexpr int segmentField = 3;
constexpr int floatDataField = 4;
constexpr int rawDataField = 9;
constexpr int doubleDataField = 10;

// The message that a field holds, where tensors with views can be below it.
Message child(Message parent, int field) {
  switch (parent) {
    case Message::model:
      return field == 7 ? Message::graph : field == 25 ? Message::function : Message::none;
    case Message::function: return field == 7 ? Message::node : Message::none;
    case Message::graph:
      return field == 1 ? Message::node : field == 5 ? Message::tensor : Message::none;
    case Message::node: return field == 5 ? Message::attribute : Message::none;
    case Message::attribute:
      if (field == 5 || field == 10) return Message::tensor;
      return field == 6 || field == 11 ? Message::graph : Message::none;
    case Message::tensor:
    case Message::none: return Message::none;
  }
  return Message::none;
}

void appendVarint(std::string &out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void appendBlock(std::string &out, uint32_t tag, const std::string &block) {
  appendVarint(out, tag);
  appendVarint(out, block.size());
  out += block;
}

class Scanner {
 public:
  explicit Scanner(CodedInputStream &input) : input_(input) {}

  connx_status status = CONNX_OK;

  bool message(Message kind, int depth, std::string &out) {
    if (depth > deepestNesting) return fail(CONNX_MALFORMED);
    Pieces pieces;
    while (const uint32_t tag = input_.ReadTag()) {
      if (kind == Message::tensor && Wire::GetTagFieldNumber(tag) == segmentField) {
        return fail(CONNX_SCATTERED);
      }
      if (!field(kind, tag, depth, pieces, out)) return false;
    }
    return input_.ConsumedEntireMessage() || fail(CONNX_MALFORMED);
  }

 private:
  // The fields of one tensor that hold elements.
  struct Pieces {
    int count = 0;
    bool hollowed = false;
  };

  bool field(Message kind, uint32_t tag, int depth, Pieces &pieces, std::string &out) {
    switch (Wire::GetTagWireType(tag)) {
      case Wire::WIRETYPE_VARINT: {
        uint64_t value;
        if (!input_.ReadVarint64(&value)) return fail(CONNX_MALFORMED);
        appendVarint(out, tag);
        appendVarint(out, value);
        return true;
      }
      case Wire::WIRETYPE_FIXED64: return fixed(tag, 8, out);
      case Wire::WIRETYPE_FIXED32: return fixed(tag, 4, out);
      case Wire::WIRETYPE_LENGTH_DELIMITED: return block(kind, tag, depth, pieces, out);
      default: return fail(CONNX_MALFORMED);  // ONNX has no groups.
    }
  }

  bool fixed(uint32_t tag, int count, std::string &out) {
    char bytes[8];
    if (!input_.ReadRaw(bytes, count)) return fail(CONNX_MALFORMED);
    appendVarint(out, tag);
    out.append(bytes, static_cast<size_t>(count));
    return true;
  }

  bool block(Message kind, uint32_t tag, int depth, Pieces &pieces, std::string &out) {
    uint32_t length;
    if (!input_.ReadVarint32(&length)) return fail(CONNX_MALFORMED);
    // Never reserve or skip what the file does not hold.
    if (static_cast<int64_t>(length) > input_.BytesUntilLimit()) return fail(CONNX_MALFORMED);
    const int count = static_cast<int>(length);
    const int number = Wire::GetTagFieldNumber(tag);
    if (const Message inner = child(kind, number); inner != Message::none) {
      std::string content;
      const auto limit = input_.PushLimit(count);
      if (!message(inner, depth + 1, content)) return false;
      input_.PopLimit(limit);
      appendBlock(out, tag, content);
      return true;
    }
    if (kind == Message::tensor && holdsElements(number)) {
      const bool large = count >= smallestHollowed;
      pieces.count += 1;
      pieces.hollowed = pieces.hollowed || large;
      if (pieces.hollowed && pieces.count > 1) return fail(CONNX_SCATTERED);
      if (large) return replaceBySegment(count, out);
    }
    appendVarint(out, tag);
    appendVarint(out, length);
    const size_t end = out.size();
    out.resize(end + length);
    return input_.ReadRaw(&out[end], count) || fail(CONNX_MALFORMED);
  }

  // Packed floats and doubles have the layout of raw_data.
  static bool holdsElements(int field) {
    return field == rawDataField || field == floatDataField || field == doubleDataField;
  }

  bool replaceBySegment(int count, std::string &out) {
    const auto begin = static_cast<uint64_t>(input_.CurrentPosition());
    if (!input_.Skip(count)) return fail(CONNX_MALFORMED);
    std::string segment;
    appendVarint(segment, Wire::MakeTag(1, Wire::WIRETYPE_VARINT));
    appendVarint(segment, begin);
    appendVarint(segment, Wire::MakeTag(2, Wire::WIRETYPE_VARINT));
    appendVarint(segment, begin + static_cast<uint64_t>(count));
    appendBlock(out, Wire::MakeTag(segmentField, Wire::WIRETYPE_LENGTH_DELIMITED), segment);
    return true;
  }

  bool fail(connx_status reason) {
    if (status == CONNX_OK) status = reason;
    return false;
  }

  CodedInputStream &input_;
};

}  // namespace

connx_error hollow(int descriptor, int64_t size, Root root, std::string &skeleton) {
  constexpr int buffer = 16384;
  FileInputStream file(descriptor, buffer);
  CodedInputStream input(&file);
  input.SetTotalBytesLimit(INT32_MAX);
  const auto limit = input.PushLimit(static_cast<int>(size));
  Scanner scanner(input);
  const Message kind = root == Root::model    ? Message::model
                       : root == Root::tensor ? Message::tensor
                                              : Message::none;
  scanner.message(kind, 0, skeleton);
  input.PopLimit(limit);
  if (file.GetErrno() != 0) return {CONNX_SYSTEM, file.GetErrno(), 0};
  return {scanner.status, 0, input.CurrentPosition()};
}

}  // namespace connx
