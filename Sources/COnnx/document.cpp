#include <fcntl.h>
#include <google/protobuf/stubs/logging.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <variant>

#include "hollow.h"
#include "view_reader.h"

struct connx_document {
  int descriptor = -1;
  onnx::ModelProto model;
  std::variant<onnx::TensorProto, onnx::SequenceProto, onnx::OptionalProto> value;
  connx::ViewReader reader;
  connx_model modelView{};
  connx_value valueView{};
  bool isModel = false;

  ~connx_document() {
    if (descriptor >= 0) close(descriptor);
  }
};

namespace {

using connx::Root;

connx_error openRegularFile(connx_document &document, const char *path, int64_t &size) {
  // Non-blocking, so that opening a pipe returns and can be refused.
  document.descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  if (document.descriptor < 0 || fstat(document.descriptor, &status) != 0) {
    return {CONNX_SYSTEM, errno, 0};
  }
  if (!S_ISREG(status.st_mode)) return {CONNX_NOT_A_FILE, 0, 0};
  size = status.st_size;
  document.reader.fileSize = size;
  if (size > INT32_MAX) return {CONNX_TOO_LARGE, 0, 0};
  return {CONNX_OK, 0, 0};
}

template <typename Message>
connx_error parse(connx_document &document, Root root, int64_t size, Message &message) {
  std::string skeleton;
  connx_error error = connx::hollow(document.descriptor, size, root, skeleton);
  if (error.status != CONNX_OK) return error;
  if (!message.ParseFromString(skeleton)) return {CONNX_MALFORMED, 0, 0};
  return {CONNX_OK, 0, 0};
}

template <typename Message>
connx_error parseValue(connx_document &document, Root root, int64_t size) {
  auto &message = document.value.emplace<Message>();
  const connx_error error = parse(document, root, size, message);
  if (error.status == CONNX_OK) document.valueView = document.reader.value(message);
  return error;
}

// Runs `body` on a fresh document; gives it away only where it succeeds.
template <typename Body>
connx_document *opened(const char *path, connx_error *error, Body body) {
  try {
    google::protobuf::SetLogHandler(nullptr);
    auto document = std::make_unique<connx_document>();
    int64_t size = 0;
    *error = openRegularFile(*document, path, size);
    if (error->status == CONNX_OK) *error = body(*document, size);
    return error->status == CONNX_OK ? document.release() : nullptr;
  } catch (const std::bad_alloc &) {
    *error = {CONNX_MEMORY, 0, 0};
  } catch (...) {
    *error = {CONNX_INTERNAL, 0, 0};
  }
  return nullptr;
}

}  // namespace

connx_document *connx_open_model(const char *path, connx_error *error) {
  return opened(path, error, [](connx_document &document, int64_t size) -> connx_error {
    if (size == 0) return {CONNX_EMPTY, 0, 0};
    const connx_error failure = parse(document, Root::model, size, document.model);
    if (failure.status != CONNX_OK) return failure;
    document.isModel = true;
    document.modelView = document.reader.model(document.model);
    return failure;
  });
}

connx_document *connx_open_value(const char *path, connx_value_kind kind, connx_error *error) {
  return opened(path, error, [kind](connx_document &document, int64_t size) -> connx_error {
    switch (kind) {
      // An absent optional is a message without fields.
      case CONNX_VALUE_OPTIONAL:
        return parseValue<onnx::OptionalProto>(document, Root::other, size);
      case CONNX_VALUE_SEQUENCE:
        if (size == 0) return {CONNX_EMPTY, 0, 0};
        return parseValue<onnx::SequenceProto>(document, Root::other, size);
      default:
        if (size == 0) return {CONNX_EMPTY, 0, 0};
        return parseValue<onnx::TensorProto>(document, Root::tensor, size);
    }
  });
}

const connx_model *connx_model_of(const connx_document *document) {
  return document->isModel ? &document->modelView : nullptr;
}

const connx_value *connx_value_of(const connx_document *document) {
  return document->isModel ? nullptr : &document->valueView;
}

connx_status connx_read(const connx_document *document, int64_t offset, void *buffer, size_t count,
                        connx_error *error) {
  *error = {CONNX_OK, 0, 0};
  auto *target = static_cast<char *>(buffer);
  while (count > 0) {
    const ssize_t got = pread(document->descriptor, target, count, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      // The file shrank after it was parsed.
      *error = {got < 0 ? CONNX_SYSTEM : CONNX_MALFORMED, got < 0 ? errno : 0, offset};
      return error->status;
    }
    target += got;
    offset += got;
    count -= static_cast<size_t>(got);
  }
  return CONNX_OK;
}

void connx_close(connx_document *document) { delete document; }
