//go:build tools

// Package tools keeps the program that setup.sh builds in go.mod and go.sum.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
