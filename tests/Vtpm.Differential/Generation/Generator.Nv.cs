using Vtpm.Differential.Commands;
using Vtpm.Differential.Comparison;
using Vtpm.Differential.Steps;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

/// <content>NV areas and DIRs.</content>
public sealed partial class Generator
{
    private IEnumerable<(int, Action)> NvScenes() => [(7, DefineArea), (8, WriteArea), (8, ReadArea), (1, WriteDir)];

    private void DefineArea()
    {
        uint index = Chance(98) ? Pick(StateProbe.NvIndexes) : TpmNvIndex.Dir;
        uint size = Chance(20) ? 0 : 1 + (uint)_random.Next(40);
        TpmNvPermission permission = Pick(
            TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite,
            TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite,
            TpmNvPermission.OwnerWrite,
            TpmNvPermission.PPWrite | TpmNvPermission.OwnerRead,
            TpmNvPermission.AuthWrite | TpmNvPermission.PPRead,
            TpmNvPermission.None);
        if (Chance(40))
        {
            permission |= Pick(
                TpmNvPermission.WriteAll, TpmNvPermission.WriteDefine, TpmNvPermission.WriteStClear, TpmNvPermission.GlobalLock, TpmNvPermission.ReadStClear);
        }

        if (Chance(5)) permission |= (TpmNvPermission)(1u << _random.Next(32));
        TpmNvDataPublic pubInfo = TestTpm.NvPublic(permission, size, index) with { PcrInfoRead = NvPcrs(), PcrInfoWrite = NvPcrs() };
        SessionUse? auth = null;
        if (_world.IsOwned && Chance(90)) auth = Chance(90) ? OsapOwner() : Oiap(_world.OwnerAuth);
        else if (Chance(50)) SetPresence(true);
        Emit(NonVolatile.Define(pubInfo, Secrets.Nv, auth), () =>
        {
            if (size == 0) _world.Areas.Remove(index);
            else _world.Areas[index] = new WorldArea(index, permission, size);
        });
    }

    private TpmPcrInfoShort NvPcrs()
    {
        if (Chance(80)) return TestTpm.AnyPcrs();
        byte[] select = Select();
        TpmDigest digest = new(Chance(80) ? _world.CompositeHash(select) : Bytes(20));
        return new TpmPcrInfoShort
        {
            PcrSelection = new TpmPcrSelection { PcrSelect = select },
            LocalityAtRelease = (TpmLocalitySelection)(Chance(80) ? 0x1F : _random.Next(0x20)),
            DigestAtRelease = digest,
        };
    }

    private uint AnyArea() => _world.Areas.Count > 0 && Chance(92)
        ? Pick(_world.Areas.Keys.ToArray())
        : Pick([.. StateProbe.NvIndexes, TpmNvIndex.Dir, 0u, 0xFFFFFFFFu, 0x00020001u]);

    /// <summary>Some of an area, or none of it, or more than it has.</summary>
    private (int Offset, int Length) AnyPart(uint index)
    {
        int size = (int)(_world.Areas.GetValueOrDefault(index)?.Size ?? 20);
        int offset = Chance(60) ? 0 : _random.Next(size + 2);
        int length = Chance(10) ? 0 : Chance(50) ? Math.Max(0, size - offset) : _random.Next(size + 2);
        return (offset, length);
    }

    private void WriteArea()
    {
        uint index = AnyArea();
        (int offset, int length) = AnyPart(index);
        bool byAuth = _world.Areas.GetValueOrDefault(index)?.Permission.HasFlag(TpmNvPermission.AuthWrite) == true ^ Chance(7);
        if (byAuth) Emit(NonVolatile.Write(TpmOrdinal.NvWriteValueAuth, index, (uint)offset, Bytes(length), AreaAuth(index)));
        else Emit(NonVolatile.Write(TpmOrdinal.NvWriteValue, index, (uint)offset, Bytes(length), _world.IsOwned && Chance(75) ? Owner() : null));
    }

    private void ReadArea()
    {
        uint index = AnyArea();
        (int offset, int length) = AnyPart(index);
        bool byAuth = _world.Areas.GetValueOrDefault(index)?.Permission.HasFlag(TpmNvPermission.AuthRead) == true ^ Chance(7);
        if (byAuth) Emit(NonVolatile.Read(TpmOrdinal.NvReadValueAuth, index, (uint)offset, (uint)length, AreaAuth(index)));
        else Emit(NonVolatile.Read(TpmOrdinal.NvReadValue, index, (uint)offset, (uint)length, _world.IsOwned && Chance(70) ? Owner() : null));
    }

    private SessionUse AreaAuth(uint index)
    {
        if (Chance(75)) return Oiap(Secrets.Nv);
        int session = _world.NewNumber();
        Lead(Commands.Sessions.OsapNv(session, index, Secrets.Nv));
        return new SessionUse(session, Secrets.Nv, Chance(5));
    }

    private void WriteDir()
    {
        Emit(NonVolatile.DirWrite(Chance(90) ? 0u : 1u, Bytes(20), Owner()));
        Emit(NonVolatile.DirRead(Chance(90) ? 0u : 1u));
    }
}
