package load
import ("testing";"fmt";"path/filepath";"time";"os";"io";"hash/crc64";"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob")
func TestZZ(t *testing.T){
 url:=newContainer(t); base := url[:len(url)-len(filepath.Base(url))-1]
 c, _ := container.NewClientFromConnectionString(connection(base), filepath.Base(url), nil)
 res:=map[string][]time.Duration{}
 d:=func(k string,f func() error){ s:=time.Now(); check(t,f()); res[k]=append(res[k],time.Since(s)) }
 for round:=range 7 {
  folder:=writeSet(t,"2026-11-22",randomParts([]int{64<<20})...)
  n,_:=filepath.Glob(folder+"/*/*.parquet")
  var lf LocalFile
  d("hash",func() (err error){ lf,err=HashFile(t.Context(),n[0]); return})
  f,_:=os.Open(n[0]); data,_:=io.ReadAll(f)
  var crc uint64
  d("crc",func() error { crc=crc64.Checksum(data,crc64.MakeTable(0x9A6C9329AC4BC9B5)); return nil})
  up:=func(k string,o *blockblob.UploadOptions){ d(k,func() error{ _,err:=c.NewBlockBlobClient(fmt.Sprint(k,round)).Upload(t.Context(),streaming.NopCloser(io.NewSectionReader(f,0,64<<20)),o); return err})}
  up("bare",nil)
  up("blobmd5",&blockblob.UploadOptions{HTTPHeaders:&blob.HTTPHeaders{BlobContentMD5:lf.MD5}})
  up("txmd5",&blockblob.UploadOptions{TransactionalValidation:blob.TransferValidationTypeMD5(lf.MD5)})
  up("both+cond",&blockblob.UploadOptions{HTTPHeaders:&blob.HTTPHeaders{BlobContentMD5:lf.MD5},TransactionalValidation:blob.TransferValidationTypeMD5(lf.MD5),AccessConditions:condition("")})
  up("crc64",&blockblob.UploadOptions{TransactionalValidation:blob.TransferValidationTypeCRC64(crc)})
  up("bare2",nil)
 }
 for k,v:=range res { fmt.Println(k,median(v),v) }
}
