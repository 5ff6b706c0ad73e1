package transform

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func cpu() time.Duration { var ru syscall.Rusage; syscall.Getrusage(0, &ru); return time.Duration(ru.Utime.Nano() + ru.Stime.Nano()) }

func TestY(t *testing.T) {
	if os.Getenv("Y") == "" { t.Skip() }
	models := os.DirFS("/tmp/az/models")
	text, _ := os.ReadFile("/tmp/az/models/staging/stg_cost_export.sql")
	_ = models
	m, err := Parse("staging/stg_cost_export.sql", string(text))
	if err != nil { t.Fatal(err) }
	units, _ := readUnits("/tmp/az/big1")
	s, err := openSession(context.Background(), sessionOptions{dir: "/tmp/az/ydb", dialect: dialect(t)+";"+os.Getenv("EXTRA"), readable: []string{"/tmp/az"}})
	if err != nil { t.Fatal(err) }
	defer s.close()
	ctx := context.Background()
	if err := s.rawView(ctx, "raw_cost_export", columnsOf(m, "raw_cost_export", nil), columnsOf(m, "raw_cost_export", nil), units[0].Files); err != nil { t.Fatal(err) }
	step := func(name, q string) {
		c, w := cpu(), time.Now()
		err := s.exec(ctx, q)
		var ru syscall.Rusage
		syscall.Getrusage(0, &ru)
		t.Log(name, "wall", time.Since(w).Round(time.Millisecond), "cpu", (cpu()-c).Round(time.Millisecond), "maxrss", ru.Maxrss/1024, err)
	}
	switch os.Getenv("Y") {
	case "table":
		step("create", "create table work.stg_cost_export as "+m.Query)
	case "temp":
		step("create temp", "create temp table stg_cost_export as "+m.Query)
		step("copy", "copy (select * from stg_cost_export) to '/tmp/az/y.parquet' (format parquet, compression zstd, row_group_size 122880)")
		return
	case "direct":
		step("direct", "copy ("+m.Query+") to '/tmp/az/y.parquet' (format parquet, compression zstd, row_group_size 122880)")
		return
	}
	step("copy insertion", "copy (select * from work.stg_cost_export) to '/tmp/az/y.parquet' (format parquet, compression zstd, row_group_size 122880)")
	fi, _ := os.Stat("/tmp/az/y.parquet"); t.Log(fi.Size())
	step("copy sorted", "copy (select * from work.stg_cost_export order by "+idents(m.Grain)+") to '/tmp/az/y.parquet' (format parquet, compression zstd, row_group_size 122880)")
	step("copy snappy", "copy (select * from work.stg_cost_export) to '/tmp/az/y.parquet' (format parquet, compression snappy, row_group_size 122880)")
	fi, _ = os.Stat("/tmp/az/y.parquet"); t.Log(fi.Size())
	step("copy zstd1", "copy (select * from work.stg_cost_export) to '/tmp/az/y.parquet' (format parquet, compression zstd, compression_level 1, row_group_size 122880)")
	fi, _ = os.Stat("/tmp/az/y.parquet"); t.Log(fi.Size())
	step("grain hash", "select count(*) from (select 1 from work.stg_cost_export group by "+rowHash(m.Grain)+" having count(*) > 1)")
	db, _ := os.Stat(filepath.Join("/tmp/az/ydb", "transform.duckdb"))
	if db != nil { t.Log("db bytes", db.Size()) }
}
