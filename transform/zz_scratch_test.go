package transform
import ("testing";"os";"fmt")
func TestScratch(t *testing.T){
 s,_ := fixtureSession(t)
 q,_ := os.ReadFile(os.Getenv("SCRATCH"))
 rows,err := s.texts(t.Context(), "select cast(columns(*) as varchar) from ("+string(q)+")")
 if err!=nil { t.Fatal(err) }
 for _,r := range rows { for _,v := range r { fmt.Print(v.String, " | ") }; fmt.Println() }
}
