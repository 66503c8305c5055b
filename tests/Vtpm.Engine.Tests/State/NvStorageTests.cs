using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.State;

public class NvStorageTests
{
    [Fact]
    public void WithoutOwnerAreas_KeepsThePermanentAndThoseOfOthers()
    {
        NvStorage nv = NvStorage.Of(
        [
            Area(5, TpmNvPermission.OwnerWrite),
            Area(4, TpmNvPermission.OwnerRead | TpmNvPermission.AuthWrite),
            Area(3, TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite),
            Area(2, TpmNvPermission.PPWrite),
            Area(TpmNvIndex.D | 1, TpmNvPermission.OwnerWrite),
        ]);
        Assert.Equal([2, 3, TpmNvIndex.D | 1], Indexes(nv.WithoutOwnerAreas()));
        Assert.Same(nv.WithoutOwnerAreas().Areas[0], nv.Areas[0]);
    }

    [Fact]
    public void WithoutOwnerAreas_NoneThere_IsTheSame()
    {
        NvStorage nv = NvStorage.Of([Area(2, TpmNvPermission.PPWrite)]);
        Assert.Same(nv, nv.WithoutOwnerAreas());
    }

    [Fact]
    public void Of_SameIndexTwice_Throws() =>
        Assert.Throws<ArgumentException>(() => NvStorage.Of([Area(2, TpmNvPermission.PPWrite), Area(2, TpmNvPermission.PPWrite)]));

    [Fact]
    public void With_ChangesACopy()
    {
        NvStorage before = NvStorage.Of([Area(2, TpmNvPermission.PPWrite)]);
        NvStorage after = before.With(before.Find(2)!.Write(0, [1]));
        Assert.Equal(0, before.Find(2)!.Data.Span[0]);
        Assert.Equal(1, after.Find(2)!.Data.Span[0]);
        Assert.Same(after, after.With(after.Find(2)!));
    }

    [Fact]
    public void Available_NeverMoreThanOneCommandCanBring()
    {
        Assert.Equal(TpmProfile.Xen.InputBufferSize, NvStorage.Empty.Available(TpmProfile.Xen with { NvSize = 1 << 20 }));
        Assert.Equal(0, NvStorage.Empty.Available(TpmProfile.Xen with { NvSize = 10 }));
    }

    private static uint[] Indexes(NvStorage nv) => [.. nv.Areas.ToArray().Select(area => area.Index)];

    private static NvArea Area(uint index, TpmNvPermission permission) => new()
    {
        Index = index,
        PcrInfoRead = TestTpm.AnyPcrs(),
        PcrInfoWrite = TestTpm.AnyPcrs(),
        Permission = permission,
        Auth = new Secret(TestTpm.NvAuth),
        Data = new byte[4],
    };
}
