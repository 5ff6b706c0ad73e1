package transform
import ("testing";"context";"os";"time";"syscall")
func cpu() time.Duration { var ru syscall.Rusage; syscall.Getrusage(0, &ru); return time.Duration(ru.Utime.Nano() + ru.Stime.Nano()) }
func TestZ(t *testing.T) {
	if os.Getenv("Z")=="" {t.Skip()}
	s, err := openSession(context.Background(), sessionOptions{dir: "/tmp/az/zdb", threads: 2, dialect: dialect(t), readable: []string{"/tmp/az"}})
	if err != nil { t.Fatal(err) }
	defer s.close()
	src := "'/tmp/az/cmp/s1.parquet'"
	for _, c := range [][2]string{
		{"select * from read_parquet("+src+")", "format parquet"},
		{"select * from read_parquet("+src+")", "format parquet, row_group_size 122880"},
		{"select * from read_parquet("+src+")", "format parquet, row_group_size 122880, compression zstd, compression_level 1"},
		{"select * from read_parquet("+src+")", "format parquet, row_group_size 122880, compression zstd, compression_level 1, use_tmp_file false"},
		{"select * from read_parquet(["+src+"], union_by_name=true, hive_partitioning=false)", "format parquet, row_group_size 122880, compression zstd"},
		{"select * from (select * from read_parquet("+src+") order by Account, Source, Scope, BillingPeriodStart, Dataset, Page, Row)", "format parquet, row_group_size 122880, compression zstd, compression_level 1"},
	} {
		for range 3 {
		a := cpu()
		err := s.exec(context.Background(), "copy ("+c[0]+") to '/tmp/az/z.parquet' ("+c[1]+")")
		a = cpu()-a
		r, err2 := s.texts(context.Background(), "select count(*)::varchar from (select Row, row_number() over () as n from read_parquet('/tmp/az/z.parquet')) where Row <> n")
		_, sum, _ := hashFile("/tmp/az/z.parquet")
		t.Log(c, r, sum[:8], a.Round(time.Millisecond), err, err2)
		}
	}
}
