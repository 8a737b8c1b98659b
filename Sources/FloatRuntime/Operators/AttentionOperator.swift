import GraphIR
import Parallelism
import Tensors

/// Attention (opset 25): scaled dot-product attention with masks, grouped heads and a key-value
/// cache. Computed in float32.
enum AttentionOperator {
  static let definitions: [OperatorDefinition] = [
    .tensors("Attention") { node in
      let options = try AttentionOptions(node)
      return { inputs, context in
        let (q, k, v) = (try inputs.tensor(0), try inputs.tensor(1), try inputs.tensor(2))
        let query = try AttentionHeads(q, heads: options.queryHeads, inputs)
        let key = try AttentionHeads(k, heads: options.keyHeads, inputs)
          .appended(to: inputs.optionalTensor(4), inputs)
        let value = try AttentionHeads(v, heads: options.keyHeads, inputs)
          .appended(to: inputs.optionalTensor(5), inputs)
        let past = try inputs.optionalTensor(4).map { $0.rank == 4 ? $0.shape[2] : 0 }
        guard query.batch == key.batch, key.batch == value.batch, key.heads == value.heads,
          key.tokens == value.tokens, query.size == key.size, key.heads > 0,
          query.heads % key.heads == 0
        else {
          throw inputs.failure("Q \(q.shape), K \(k.shape), V \(v.shape) do not fit together")
        }
        try inputs.checkedCount(
          [query.batch, query.heads, query.tokens, key.tokens + value.size], .float32)
        let bias = try AttentionBias(
          query: query, keys: key.tokens, past: past, options, inputs)
        let (output, scores) = attend(query, key, value, bias, options, context.pool)
        let tensor = Tensor(
          output, shape: [query.batch, query.heads, query.tokens, value.size])
        let shaped =
          q.rank == 4
          ? tensor
          : tensor.permuted([0, 2, 1, 3]).reshaped(
            to: [query.batch, query.tokens, query.heads * value.size])
        return [
          shaped.narrowed(to: q.elementType), key.tensor.narrowed(to: k.elementType),
          value.tensor.narrowed(to: v.elementType),
          Tensor(scores, shape: [query.batch, query.heads, query.tokens, key.tokens])
            .narrowed(to: q.elementType),
        ]
      }
    }
  ]

  /// Outputs of all heads, and the scores at the stage that `options.scores` names.
  private static func attend(
    _ query: AttentionHeads, _ key: AttentionHeads, _ value: AttentionHeads,
    _ bias: AttentionBias, _ options: AttentionOptions, _ pool: WorkerPool
  ) -> (output: [Float], scores: [Float]) {
    let rows = query.batch * query.heads * query.tokens
    let scale = options.scale ?? 1 / Float(query.size).squareRoot()
    var output = Array(repeating: Float.zero, count: rows * value.size)
    var scores = Array(repeating: Float.zero, count: rows * key.tokens)
    var row = Array(repeating: Float.zero, count: key.tokens)
    for index in 0..<rows {
      let token = index % query.tokens
      let head = index / query.tokens % query.heads
      let sample = index / (query.tokens * query.heads)
      let shared = (sample * key.heads + head / (query.heads / key.heads)) * key.tokens
      func emit() {
        for position in row.indices { scores[index * key.tokens + position] = row[position] }
      }
      for position in row.indices {
        var sum: Float = 0
        for feature in 0..<query.size {
          sum +=
            query.elements[index * query.size + feature]
            * key.elements[(shared + position) * key.size + feature]
        }
        row[position] = sum * scale
      }
      if options.scores == 0 { emit() }
      if options.softcap > 0 {
        for position in row.indices {
          row[position] = options.softcap * .tanh(row[position] / options.softcap)
        }
      }
      if options.scores == 1 { emit() }
      var visible = false
      for position in row.indices {
        let term = bias.at(sample, head, token, position)
        visible = visible || term != -.infinity
        row[position] += term
      }
      if options.scores == 2 { emit() }
      let peak = row.reduce(-Float.infinity) { .larger($0, $1) }
      var sum: Float = 0
      for position in row.indices {
        row[position] = visible && peak != -.infinity ? .exp(row[position] - peak) : 0
        sum += row[position]
      }
      for position in row.indices where sum != 0 { row[position] /= sum }
      if options.scores == 3 { emit() }
      for position in row.indices where row[position] != 0 {
        for feature in 0..<value.size {
          output[index * value.size + feature] +=
            row[position] * value.elements[(shared + position) * value.size + feature]
        }
      }
    }
    return (output, scores)
  }
}

struct AttentionOptions: Sendable {
  let causal: Bool
  let queryHeads: Int?
  let keyHeads: Int?
  let scale: Float?
  let softcap: Float
  /// Which scores the fourth output shows: 0 products, 1 capped, 2 biased, 3 probabilities.
  let scores: Int
  /// Keys that a query sees before and after its position; negative: all.
  let window: (left: Int, right: Int)

  init(_ node: Node) throws {
    causal = try node.flag("is_causal", default: false)
    queryHeads = try node.int("q_num_heads")
    keyHeads = try node.int("kv_num_heads")
    scale = try node.float("scale")
    softcap = try node.float("softcap") ?? 0
    scores = try node.int("qk_matmul_output_mode") ?? 0
    window = (try node.int("left_window_size") ?? -1, try node.int("right_window_size") ?? -1)
    guard (0...3).contains(scores) else {
      throw node.failure("qk_matmul_output_mode is \(scores), must be 0 to 3")
    }
  }
}

/// [batch, heads, tokens, size] in float32.
struct AttentionHeads {
  let tensor: Tensor
  let elements: [Float]
  var batch: Int { tensor.shape[0] }
  var heads: Int { tensor.shape[1] }
  var tokens: Int { tensor.shape[2] }
  var size: Int { tensor.shape[3] }

  /// `heads` splits the last axis of a tensor of 3 dimensions.
  init(_ x: Tensor, heads: Int?, _ inputs: OperatorInputs) throws {
    let wide = try inputs.converted(inputs.widenedFloat(x), to: .float32)
    switch x.rank {
    case 4: tensor = wide
    case 3:
      guard let heads, heads > 0, x.shape[2] % heads == 0 else {
        throw inputs.failure("the number of heads must divide the \(x.shape[2]) features")
      }
      tensor = wide.reshaped(to: [x.shape[0], x.shape[1], heads, x.shape[2] / heads])
        .permuted([0, 2, 1, 3])
    default: throw inputs.failure("takes 3 or 4 dimensions, not \(x.shape)")
    }
    elements = tensor.elements(of: Float.self)
  }

  /// The tokens of `past`, then these.
  func appended(to past: Tensor?, _ inputs: OperatorInputs) throws -> AttentionHeads {
    guard let past else { return self }
    let before = try AttentionHeads(past, heads: nil, inputs)
    guard before.batch == batch, before.heads == heads, before.size == size else {
      throw inputs.failure("the cache \(past.shape) does not fit \(tensor.shape)")
    }
    var joined: [Float] = []
    joined.reserveCapacity(before.elements.count + elements.count)
    for block in 0..<batch * heads {
      let (old, new) = (before.tokens * size, tokens * size)
      joined += before.elements[block * old..<(block + 1) * old]
      joined += elements[block * new..<(block + 1) * new]
    }
    let shape = [batch, heads, before.tokens + tokens, size]
    return try AttentionHeads(Tensor(joined, shape: shape), heads: nil, inputs)
  }
}

/// What is added to the score of a query and a key: the mask, or minus infinity where the key is
/// out of sight.
struct AttentionBias {
  private let mask: (elements: [Float], steps: [Int], keys: Int)?
  private let lengths: [Int]?
  private let offset: Int
  private let queries: Int
  private let options: AttentionOptions

  init(
    query: AttentionHeads, keys: Int, past: Int?, _ options: AttentionOptions,
    _ inputs: OperatorInputs
  ) throws {
    self.options = options
    offset = past ?? 0
    queries = query.tokens
    lengths = try inputs.integers(6)
    if let lengths, lengths.count != query.batch || past != nil {
      throw inputs.failure("nonpad_kv_seqlen takes one length a sample, and no cache")
    }
    guard let given = try inputs.optionalTensor(3) else {
      mask = nil
      return
    }
    let full = [query.batch, query.heads, query.tokens, given.shape.last ?? 1]
    guard given.rank >= 1, given.rank <= 4, let width = given.shape.last, width <= max(keys, 1),
      Broadcast.shape(of: [given.shape, full]) == full
    else { throw inputs.failure("mask \(given.shape) does not fit \(full)") }
    let padded = Array(repeating: 1, count: 4 - given.rank) + given.shape
    var steps = [0, 0, 0, 0]
    var step = 1
    for axis in (0..<4).reversed() {
      steps[axis] = padded[axis] == 1 ? 0 : step
      step *= padded[axis]
    }
    let values =
      given.elementType == .bool
      ? given.elements(of: RawBool.self).map { $0.isTrue ? 0 : -Float.infinity }
      : try inputs.converted(given, to: .float32).elements(of: Float.self)
    mask = (values, steps, width == 1 ? keys : width)
  }

  func at(_ sample: Int, _ head: Int, _ query: Int, _ key: Int) -> Float {
    if let lengths, key >= lengths[sample] { return -.infinity }
    let position = query + (lengths.map { $0[sample] - queries } ?? offset)
    if options.causal, key > position { return -.infinity }
    if options.window.left >= 0, key < position - options.window.left { return -.infinity }
    if options.window.right >= 0, key > position + options.window.right { return -.infinity }
    guard let mask else { return 0 }
    if key >= mask.keys { return -.infinity }
    let steps = mask.steps
    return mask.elements[
      sample * steps[0] + head * steps[1] + query * steps[2] + key * steps[3]]
  }
}
