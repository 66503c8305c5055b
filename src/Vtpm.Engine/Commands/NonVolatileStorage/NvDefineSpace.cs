using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.NonVolatileStorage;

public struct NvDefineSpaceRequest : IWireStructure<NvDefineSpaceRequest>
{
    public TpmNvDataPublic PubInfo;
    public TpmAuthData EncAuth;

    public static void Describe<TCodec>(ref TCodec wire, ref NvDefineSpaceRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.PubInfo);
        TpmAuthData.Describe(ref wire, ref value.EncAuth);
    }
}

/// <summary><c>TPM_NV_DefineSpace</c>, Part 3 §20.1: defines, redefines or deletes an NV area, or turns the protection of all areas on.</summary>
public sealed class NvDefineSpace()
    : TpmCommand<NvDefineSpaceRequest, NoParameters>(
        TpmOrdinal.NvDefineSpace, Sessions.None | Sessions.One, Availability.Always, Duration.Short)
{
    private const TpmNvPermission WriteControls =
        TpmNvPermission.OwnerWrite | TpmNvPermission.AuthWrite | TpmNvPermission.WriteDefine | TpmNvPermission.PPWrite;

    protected override TpmResult Execute(CommandContext tpm, in NvDefineSpaceRequest request, ref NoParameters response)
    {
        TpmNvDataPublic pubInfo = request.PubInfo;
        if (pubInfo.NvIndex == TpmNvIndex.Lock && tpm.Auths.Count == 0) return LockAll(tpm, pubInfo);
        if (CheckIndex(tpm, pubInfo.NvIndex).Failed(out TpmResult error)) return error;
        if (Authorize(tpm, request, out Secret auth, out uint unownedWrites).Failed(out error)) return error;
        NvArea? old = tpm.Permanent.Nv.Find(pubInfo.NvIndex);
        if (old is not null && Delete(tpm, old).Failed(out error)) return error;
        if (old is null || pubInfo.DataSize != 0)
        {
            if (CheckAttributes(pubInfo).Failed(out error)) return error;
            if (pubInfo.DataSize > tpm.Permanent.Nv.Available(tpm.Platform.Profile)) return NoSpace;
            if (pubInfo.NvIndex == TpmNvIndex.Trial) return Success;
            Define(tpm, pubInfo, auth);
        }

        tpm.PermanentData = tpm.PermanentData with { NoOwnerNvWrite = unownedWrites };
        return Success;
    }

    /// <summary>Action 1.</summary>
    private static TpmResult LockAll(CommandContext tpm, in TpmNvDataPublic pubInfo)
    {
        if (pubInfo.DataSize != 0) return BadIndex;
        tpm.PermanentFlags = tpm.PermanentFlags with { NvLocked = true };
        return Success;
    }

    /// <summary>Actions 2, 3 and 9e.</summary>
    private static TpmResult CheckIndex(CommandContext tpm, uint index)
    {
        if (tpm.PermanentFlags.NvLocked)
        {
            if (tpm.CheckEnabled().Failed(out TpmResult error)) return error;
            if ((index & TpmNvIndex.D) != 0) return BadIndex;
        }

        if (index is TpmNvIndex.Index0 or TpmNvIndex.Dir or TpmNvIndex.Lock || (index & TpmNvIndex.Reserved) != 0) return BadIndex;
        // What the manufacturers or the user control, they divide as they like. TCG's own space says for which platform an index is: this is no
        // PDA, telephone or peripheral.
        bool isTcg = (index & (TpmNvIndex.T | TpmNvIndex.P | TpmNvIndex.U)) == 0;
        uint purview = index & TpmNvIndex.Purview;
        return !isTcg || purview is 0 or TpmNvIndex.Pc or TpmNvIndex.Server or TpmNvIndex.Tss ? Success : BadIndex;
    }

    /// <summary>Actions 4 and 5: the owner, or while there is none whoever sits at the platform; before nvLocked, anybody.</summary>
    private static TpmResult Authorize(CommandContext tpm, in NvDefineSpaceRequest request, out Secret auth, out uint unownedWrites)
    {
        auth = null!;
        unownedWrites = tpm.PermanentData.NoOwnerNvWrite;
        if (tpm.Auths.Count == 1)
            return tpm.AuthorizeOwner().Failed(out TpmResult error) ? error : tpm.DecryptAuth(request.EncAuth, AdipNonce.Even, out auth);
        if (tpm.PermanentFlags.NvLocked)
        {
            if (!tpm.PhysicalPresence) return BadPresence;
            if (tpm.HasOwner) return OwnerSet;
            if (request.PubInfo.DataSize == 0) return BadDataSize;
        }

        auth = new Secret(request.EncAuth.ReadOnlySpan);
        return tpm.CountUnownedWrite(out unownedWrites);
    }

    /// <summary>Action 6, of which a failure further on leaves nothing: the old area stays then.</summary>
    private static TpmResult Delete(CommandContext tpm, NvArea old)
    {
        bool isLocked = old.Allows(TpmNvPermission.GlobalLock) && tpm.StClearFlags.BGlobalLock
            || old.Allows(TpmNvPermission.WriteStClear) && tpm.StClearData.NvWriteLocks.Contains(old.Index);
        if (tpm.PermanentFlags.NvLocked && isLocked) return AreaLocked;
        tpm.Permanent = tpm.Permanent with { Nv = tpm.Permanent.Nv.Without(old.Index) };
        tpm.StClearData = tpm.StClearData.ForgetArea(old.Index);
        tpm.EndSessionsOf(old.Entity);
        return Success;
    }

    /// <summary>Actions 7 to 9.</summary>
    private static TpmResult CheckAttributes(in TpmNvDataPublic pubInfo)
    {
        if (!PcrBinding.IsValid(pubInfo.PcrInfoRead) || !PcrBinding.IsValid(pubInfo.PcrInfoWrite)) return InvalidStructure;
        TpmNvPermission permission = pubInfo.Permission.Attributes;
        if (permission.HasFlag(TpmNvPermission.OwnerWrite | TpmNvPermission.AuthWrite)) return AuthConflict;
        if (permission.HasFlag(TpmNvPermission.OwnerRead | TpmNvPermission.AuthRead)) return AuthConflict;
        bool writeLocalities = pubInfo.PcrInfoWrite.LocalityAtRelease != TpmLocalitySelection.All;
        if ((permission & WriteControls) == 0 && !writeLocalities) return PerNoWrite;
        return pubInfo.DataSize == 0 ? BadParamSize : Success;
    }

    /// <summary>Actions 10 and 12.</summary>
    private static void Define(CommandContext tpm, in TpmNvDataPublic pubInfo, Secret auth)
    {
        byte[] data = new byte[pubInfo.DataSize];
        Array.Fill(data, (byte)0xFF);
        var area = new NvArea
        {
            Index = pubInfo.NvIndex,
            PcrInfoRead = pubInfo.PcrInfoRead,
            PcrInfoWrite = pubInfo.PcrInfoWrite,
            Permission = pubInfo.Permission.Attributes,
            Auth = auth,
            Data = data,
        };
        tpm.Permanent = tpm.Permanent with { Nv = tpm.Permanent.Nv.With(area) };
    }
}
