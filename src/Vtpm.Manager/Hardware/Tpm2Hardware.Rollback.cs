using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>Counters and areas in non-volatile memory (TPM 2.0 Part 3 §31), in the part of the indexes that the TCG leaves to owners.</content>
internal sealed partial class Tpm2Hardware
{
    private const uint FirstCounter = 0x01900000;
    private const uint FirstArea = 0x01A00000;
    private const uint CounterMask = 0xFFFFF;
    private const uint AreaMask = 0xFFF;

    private const TpmaNv ByAuth = TpmaNv.AuthRead | TpmaNv.AuthWrite | TpmaNv.NoDa;

    private static readonly TimeSpan RollbackPatience = TimeSpan.FromSeconds(60);

    public RollbackAnswer<uint> FindCounter(uint label) => Ask(RollbackPatience, tpm => FindCounter(tpm, label) is { } counter && IsWritten(counter.Public)
        ? RollbackAnswer<uint>.Done(counter.Area.Handle)
        : RollbackAnswer<uint>.No(RollbackStatus.Absent, "the hardware TPM has no counter of this image"));

    public RollbackAnswer<HardwareCounter> CreateCounter(uint label, in TpmAuthData auth)
    {
        using var secret = new Tpm2AuthValue(auth.ReadOnlySpan);
        return Ask(RollbackPatience, tpm =>
        {
            uint index = IndexOf(label);
            if (FindCounter(tpm, label) is { } halfMade && !IsWritten(halfMade.Public))
            {
                // A stop before its first value: nobody has ever been told of it.
                using Tpm2Session owner = Session(tpm);
                tpm.NvUndefineSpace(owner, _owner, halfMade.Area);
            }

            if (tpm.IsDefined(index)) return RollbackAnswer<HardwareCounter>.No(RollbackStatus.Refused, $"the NV index 0x{index:x8} is taken");
            Define(tpm, secret, index, ByAuth | TpmaNv.Counter, LabelPolicy(label), sizeof(ulong));
            // The first increment sets a counter above all that this TPM has ever had.
            return Increment(tpm, index, secret) is { IsDone: true } counted
                ? RollbackAnswer<HardwareCounter>.Done(new HardwareCounter(index, counted.Value))
                : RollbackAnswer<HardwareCounter>.No(RollbackStatus.Refused, BeyondThirtyTwoBits);
        });
    }

    public RollbackAnswer<uint> ReadCounter(uint index, in TpmAuthData auth)
    {
        using var secret = new Tpm2AuthValue(auth.ReadOnlySpan);
        return Ask(RollbackPatience, tpm => OfCounter(tpm, index, area =>
        {
            using Tpm2Session session = Session(tpm);
            return ToAnswer(tpm.NvReadCounter(session, secret, area));
        }));
    }

    public RollbackAnswer<uint> IncrementCounter(uint index, in TpmAuthData auth, TimeSpan patience)
    {
        using var secret = new Tpm2AuthValue(auth.ReadOnlySpan);
        bool isDone = false;
        return Ask(patience, tpm => isDone
            // What came after it is not reason to count once more.
            ? RollbackAnswer<uint>.No(RollbackStatus.Busy, "the answer was lost; whether the counter has counted shows the next time")
            : OfCounter(tpm, index, _ => Increment(tpm, index, secret, isSent => isDone = isSent)));
    }

    public uint AreaIndex(int number) => FirstArea | (uint)number & AreaMask;

    public RollbackAnswer<uint> DefineArea(uint index, in TpmAuthData auth, int size)
    {
        if (size > ushort.MaxValue) return RollbackAnswer<uint>.No(RollbackStatus.NoRoom, $"an NV area of {size} bytes is larger than any TPM has");
        using var secret = new Tpm2AuthValue(auth.ReadOnlySpan);
        return Ask(RollbackPatience, tpm =>
        {
            if (tpm.IsDefined(index)) return RollbackAnswer<uint>.No(RollbackStatus.Refused, $"the NV index 0x{index:x8} is taken");
            Define(tpm, secret, index, ByAuth, [], size);
            return RollbackAnswer<uint>.Done(index);
        });
    }

    public RollbackAnswer<byte[]> ReadArea(uint index, in TpmAuthData auth, int size)
    {
        using var secret = new Tpm2AuthValue(auth.ReadOnlySpan);
        return Ask(RollbackPatience, tpm => OfArea(tpm, index, size, (area, _) =>
        {
            using Tpm2Session session = Session(tpm);
            try
            {
                return RollbackAnswer<byte[]>.Done(tpm.NvRead(session, secret, area, (ushort)size));
            }
            catch (Tpm2CommandException e) when (e.Result == TpmRc.NvUninitialized)
            {
                // Said to whoever has the authorization alone.
                return RollbackAnswer<byte[]>.Done(Unwritten(size));
            }
        }));
    }

    public RollbackAnswer<uint> WriteArea(uint index, in TpmAuthData auth, int offset, ReadOnlySpan<byte> data)
    {
        using var secret = new Tpm2AuthValue(auth.ReadOnlySpan);
        byte[] bytes = data.ToArray();
        try
        {
            return Ask(RollbackPatience, tpm => OfArea(tpm, index, offset + bytes.Length, (area, found) =>
            {
                using Tpm2Session session = Session(tpm);
                if (IsWritten(found)) tpm.NvWrite(session, secret, area, offset, bytes);
                else WriteWhole(tpm, session, secret, area, found.DataSize, offset, bytes);
                return RollbackAnswer<uint>.Done(index);
            }));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private const string BeyondThirtyTwoBits = "the hardware TPM's counters have outgrown the 32 bits that an image has for them";

    /// <summary>What the specification leaves open of an area whose first write is a part of it.</summary>
    private static void WriteWhole(Tpm2Client tpm, Tpm2Session session, Tpm2AuthValue secret, Tpm2Entity area, int size, int offset, byte[] bytes)
    {
        byte[] whole = Unwritten(size);
        bytes.CopyTo(whole, offset);
        tpm.NvWrite(session, secret, area, 0, whole);
        CryptographicOperations.ZeroMemory(whole);
    }

    private static byte[] Unwritten(int size)
    {
        byte[] content = new byte[size];
        content.AsSpan().Fill(0xFF);
        return content;
    }

    private static bool IsWritten(in TpmsNvPublic area) => area.Attributes.HasFlag(TpmaNv.Written);

    private static uint IndexOf(uint label) => FirstCounter | label & CounterMask;

    /// <summary>
    /// Tells a counter's whole label, of which its index has a part: a policy that nothing satisfies, since no attribute admits one.
    /// </summary>
    private static byte[] LabelPolicy(uint label)
    {
        byte[] bytes = [.. "vtpm manager counter "u8, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(bytes.Length - sizeof(uint)), label);
        return SHA256.HashData(bytes);
    }

    private static (Tpm2Entity Area, TpmsNvPublic Public)? FindCounter(Tpm2Client tpm, uint label)
    {
        if (!tpm.IsDefined(IndexOf(label))) return null;
        (Tpm2Entity area, TpmsNvPublic found) = tpm.NvReadPublic(IndexOf(label));
        return IsCounter(found) && found.AuthPolicy.Span.SequenceEqual(LabelPolicy(label)) ? (area, found) : null;
    }

    private static bool IsCounter(in TpmsNvPublic area) => (area.Attributes & TpmaNv.TypeMask) == TpmaNv.Counter;

    private static RollbackAnswer<uint> OfCounter(Tpm2Client tpm, uint index, Func<Tpm2Entity, RollbackAnswer<uint>> use)
    {
        if (index >> 24 != TpmRh.NvIndexFirst >> 24 || !tpm.IsDefined(index) || tpm.NvReadPublic(index) is var found && !IsCounter(found.Public))
            return RollbackAnswer<uint>.No(RollbackStatus.Absent, $"the hardware TPM has no counter 0x{index:x8}");
        return use(found.Area);
    }

    private static RollbackAnswer<T> OfArea<T>(Tpm2Client tpm, uint index, int end, Func<Tpm2Entity, TpmsNvPublic, RollbackAnswer<T>> use)
    {
        if (!tpm.IsDefined(index)) return RollbackAnswer<T>.No(RollbackStatus.Absent, $"the hardware TPM has no NV area 0x{index:x8}");
        (Tpm2Entity area, TpmsNvPublic found) = tpm.NvReadPublic(index);
        return end <= found.DataSize && (found.Attributes & TpmaNv.TypeMask) == 0
            ? use(area, found)
            : RollbackAnswer<T>.No(RollbackStatus.Refused, $"the NV area 0x{index:x8} has {found.DataSize} bytes, of which {end} are wanted, or is no area of data");
    }

    private static RollbackAnswer<uint> ToAnswer(ulong value) =>
        value <= uint.MaxValue ? RollbackAnswer<uint>.Done((uint)value) : RollbackAnswer<uint>.No(RollbackStatus.Refused, BeyondThirtyTwoBits);

    /// <summary>
    /// Counts, and asks for the value under the Name that the index has then: that it was written is part of it. What is <c>sent</c> is told true
    /// before the command goes, and false when the TPM has refused it.
    /// </summary>
    private RollbackAnswer<uint> Increment(Tpm2Client tpm, uint index, Tpm2AuthValue secret, Action<bool>? sent = null)
    {
        using Tpm2Session session = Session(tpm);
        session.Continue = true;
        Tpm2Entity area = tpm.NvReadPublic(index).Area;
        try
        {
            sent?.Invoke(true);
            tpm.NvIncrement(session, secret, area);
        }
        catch (Tpm2CommandException)
        {
            sent?.Invoke(false);
            throw;
        }

        session.Continue = false;
        return ToAnswer(tpm.NvReadCounter(session, secret, tpm.NvReadPublic(index).Area));
    }

    private void Define(Tpm2Client tpm, Tpm2AuthValue secret, uint index, TpmaNv attributes, byte[] policy, int size)
    {
        using Tpm2Session owner = Session(tpm);
        tpm.NvDefineSpace(owner, _owner, secret, new TpmsNvPublic { NvIndex = index, NameAlg = TpmAlgId.Sha256, Attributes = attributes, AuthPolicy = policy, DataSize = (ushort)size });
    }

    private Tpm2Session Session(Tpm2Client tpm) => tpm.StartAuthSession(TpmSe.Hmac, TpmAlgId.Sha256, _keys.Get(tpm));

    private RollbackAnswer<T> Ask<T>(TimeSpan patience, Func<Tpm2Client, RollbackAnswer<T>> commands)
    {
        try
        {
            return Use(tpm =>
            {
                TimeSpan usual = tpm.Patience;
                tpm.Patience = patience;
                try
                {
                    return commands(tpm);
                }
                finally
                {
                    tpm.Patience = usual;
                }
            });
        }
        catch (Tpm2CommandException e)
        {
            RollbackStatus status = e switch
            {
                { IsBusy: true } => RollbackStatus.Busy,
                { Result: TpmRc.NvSpace or TpmRc.Size or TpmRc.NvSize } => RollbackStatus.NoRoom,
                _ => RollbackStatus.Refused,
            };
            string hint = e is { IsWrongAuth: true, Command: TpmCc.NvDefineSpace or TpmCc.NvUndefineSpace } ? "owner_auth= is not this TPM's: " : "";
            return RollbackAnswer<T>.No(status, hint + e.Message);
        }
    }
}
