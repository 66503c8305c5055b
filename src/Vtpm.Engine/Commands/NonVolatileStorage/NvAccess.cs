using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.NonVolatileStorage;

/// <summary>What the NV commands of Part 3 §20 share: finding an area, its access rules one by one, and reading and writing its data.</summary>
internal static class NvAccess
{
    private const int DirSize = TpmDigest.Size;

    /// <summary>
    /// The area with this index. TPM_NV_INDEX_DIR, which nobody defines, is the DIR in the shape that Part 2 §21.1 gives it: all its rules but the
    /// owner's authorization are empty.
    /// </summary>
    public static NvArea? Find(CommandContext tpm, uint index) => index == TpmNvIndex.Dir ? Dir(tpm.PermanentData) : tpm.Permanent.Nv.Find(index);

    /// <summary><c>TPM_NV_DATA_PUBLIC</c>, Part 2 §19.3, of an area as it is now.</summary>
    public static TpmNvDataPublic Describe(CommandContext tpm, NvArea area) => new()
    {
        NvIndex = area.Index,
        PcrInfoRead = area.PcrInfoRead,
        PcrInfoWrite = area.PcrInfoWrite,
        Permission = new TpmNvAttributes { Attributes = area.Permission },
        BReadStClear = tpm.StClearData.NvReadLocks.Contains(area.Index),
        BWriteStClear = tpm.StClearData.NvWriteLocks.Contains(area.Index),
        BWriteDefine = area.WriteDefine,
        DataSize = (uint)area.Data.Length,
    };

    public static TpmResult CheckLocality(CommandContext tpm, in TpmPcrInfoShort info) => PcrBinding.Of(info).CheckLocality(tpm.LocalityBit);

    public static TpmResult CheckPcrs(CommandContext tpm, in TpmPcrInfoShort info) => PcrBinding.Of(info).CheckPcrs(tpm.State.Pcrs);

    /// <summary>Physical presence, where the area wants it for what is done: TPM_NV_PER_PPREAD or TPM_NV_PER_PPWRITE.</summary>
    public static TpmResult CheckPresence(CommandContext tpm, NvArea area, TpmNvPermission presence) =>
        area.Allows(presence) && !tpm.PhysicalPresence ? BadPresence : Success;

    /// <summary>The three locks against writing: for good, and until TPM_Startup(ST_CLEAR) for all or for one.</summary>
    public static TpmResult CheckWriteLocks(CommandContext tpm, NvArea area)
    {
        bool isLocked = area.Allows(TpmNvPermission.WriteDefine) && area.WriteDefine
            || area.Allows(TpmNvPermission.GlobalLock) && tpm.StClearFlags.BGlobalLock
            || area.Allows(TpmNvPermission.WriteStClear) && tpm.StClearData.NvWriteLocks.Contains(area.Index);
        return isLocked ? AreaLocked : Success;
    }

    /// <summary>The lock against reading, which a read of size 0 sets.</summary>
    public static TpmResult CheckReadLock(CommandContext tpm, NvArea area) =>
        area.Allows(TpmNvPermission.ReadStClear) && tpm.StClearData.NvReadLocks.Contains(area.Index) ? DisabledCmd : Success;

    /// <summary>Part 3 §20.2 actions 14 to 16: writes some of the data, or with no data sets the locks.</summary>
    public static TpmResult Write(CommandContext tpm, NvArea area, uint offset, ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            if (area.Index == TpmNvIndex.Dir) return Success;
            tpm.StClearData = tpm.StClearData.LockWrites(area.Index).UnlockReads(area.Index);
            if (!area.WriteDefine) tpm.Permanent = tpm.Permanent with { Nv = tpm.Permanent.Nv.With(area with { WriteDefine = true }) };
            return Success;
        }

        if ((ulong)offset + (uint)data.Length > (uint)area.Data.Length) return NoSpace;
        if (area.Allows(TpmNvPermission.WriteAll) && data.Length != area.Data.Length) return NotFullWrite;
        NvArea written = area.Write((int)offset, data);
        if (area.Index == TpmNvIndex.Dir)
        {
            tpm.PermanentData = tpm.PermanentData with { AuthDir = new TpmDigest(written.Data.Span) };
            return Success;
        }

        tpm.Permanent = tpm.Permanent with { Nv = tpm.Permanent.Nv.With(written) };
        tpm.StClearData = tpm.StClearData.UnlockReads(area.Index);
        return Success;
    }

    /// <summary>Part 3 §20.4 actions 10 and 11: reads some of the data, or with no size sets the lock.</summary>
    public static TpmResult Read(CommandContext tpm, NvArea area, uint offset, uint dataSize, out ReadOnlyMemory<byte> data)
    {
        data = default;
        if (dataSize == 0)
        {
            if (area.Index != TpmNvIndex.Dir) tpm.StClearData = tpm.StClearData.LockReads(area.Index);
            return Success;
        }

        if ((ulong)offset + dataSize > (uint)area.Data.Length) return NoSpace;
        data = area.Data.Slice((int)offset, (int)dataSize);
        return Success;
    }

    private static NvArea Dir(PermanentData permanent)
    {
        var anything = new TpmPcrInfoShort { PcrSelection = TpmPcrSelection.Of(), LocalityAtRelease = TpmLocalitySelection.All };
        byte[] data = new byte[DirSize];
        permanent.AuthDir.ReadOnlySpan.CopyTo(data);
        return new NvArea
        {
            Index = TpmNvIndex.Dir,
            PcrInfoRead = anything,
            PcrInfoWrite = anything,
            Permission = TpmNvPermission.OwnerWrite | TpmNvPermission.WriteAll,
            Auth = NoAuth,
            Data = data,
        };
    }

    /// <summary>The DIR has no authorization value, and no command that would ask for it gets as far.</summary>
    private static Secret NoAuth { get; } = new(stackalloc byte[TpmAuthData.Size]);
}
