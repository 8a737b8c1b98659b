import COnnx
import GraphIR
