// Package sql holds the models: one file, one table, one query, with its contract at its head.
//
//	staging/       stg_<source>: one source renamed and typed; joins nothing, drops nothing
//	intermediate/  int_<what>: a step that several marts share
//	marts/         the tables that are published
//	dialect/       the functions of ours that models call where engines differ
package sql

import "embed"

// FS is the folder itself, as package transform reads it.
//
//go:embed staging intermediate marts dialect
var FS embed.FS
