package azuresim
import ("testing";"time";"context")
func TestSpeed(t *testing.T){
 for _, f := range []string{"csv","csv.gz","parquet"} {
  e:=New(Config{Months:2, Rows:2_000_000})
  s:=time.Now()
  if err:=e.WriteExports(context.Background(), t.TempDir(), ExportOptions{Account:"ea",Datasets:[]string{"actual"},Format:f,Months:[]string{"2026-10"}}); err!=nil{t.Fatal(err)}
  t.Log(f, time.Since(s))
 }
 e:=New(Config{Months:2, Rows:2_000_000})
 s:=time.Now(); tr:=e.Truth(); t.Log("truth", time.Since(s)); n:=int64(0); for _,p:=range tr.Periods{n+=p.Actual.Rows+p.Amortized.Rows}; t.Log(n)
 s=time.Now(); e.totalsOf(e.mca,0); t.Log(time.Since(s))
}
