/* ONNX messages as plain C views; no C++ type and no exception crosses this header. */
#ifndef CONNX_H
#define CONNX_H
#ifdef __cplusplus
extern "C" {
#endif
int connx_version(void);
#ifdef __cplusplus
}
#endif
#endif
