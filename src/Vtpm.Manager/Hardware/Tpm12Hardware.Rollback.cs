using System.Buffers.Binary;
using Vtpm.Client;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <content>Counters (Part 3 §25) and NV areas (Part 3 §20).</content>
internal sealed partial class Tpm12Hardware
{
    /// <summary>TCG leaves what has the U bit to users; the last 12 bits are ours to choose.</summary>
    private const uint FirstArea = TpmNvIndex.U | 0xD000;

    private const TpmNvPermission AreaPermission = TpmNvPermission.AuthRead | TpmNvPermission.AuthWrite;

    /// <summary>More counters than any chip has: bounds what is asked of one that lists nonsense.</summary>
    private const int MostCounters = 64;

    /// <summary>
    /// A handle of 0 is a counter like others, and in the image none at all. The specification uses this one as that of no counter.
    /// </summary>
    private const uint IndexOfHandleZero = 0xFFFF_FFFF;

    public RollbackAnswer<uint> FindCounter(uint label) => Ask(SelfTestPatience, tpm => Find(tpm, label) is { } handle
        ? RollbackAnswer<uint>.Done(ToIndex(handle))
        : RollbackAnswer<uint>.No(RollbackStatus.Absent, "the hardware TPM has no counter of this image"));

    public RollbackAnswer<HardwareCounter> CreateCounter(uint label, in TpmAuthData auth)
    {
        if (OwnerIsUnknown<HardwareCounter>() is { } refusal) return refusal;
        using var secret = new TpmSecret(auth.ReadOnlySpan);
        bool wasTried = false;
        return Ask(SelfTestPatience, tpm =>
        {
            // The answer to the first attempt may have been lost after the counter was made.
            if (wasTried && Find(tpm, label) is { } made)
                return RollbackAnswer<HardwareCounter>.Done(new(ToIndex(made), tpm.ReadCounter(made).Counter));
            wasTried = true;
            using TpmSession owner = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, _owner);
            (uint handle, TpmCounterValue value) = tpm.CreateCounter(owner, secret, label);
            return RollbackAnswer<HardwareCounter>.Done(new(ToIndex(handle), value.Counter));
        });
    }

    public RollbackAnswer<uint> ReadCounter(uint index, in TpmAuthData auth) =>
        Ask(SelfTestPatience, tpm => RollbackAnswer<uint>.Done(tpm.ReadCounter(ToHandle(index)).Counter));

    public RollbackAnswer<uint> IncrementCounter(uint index, in TpmAuthData auth, TimeSpan patience)
    {
        using var secret = new TpmSecret(auth.ReadOnlySpan);
        bool isSent = false;
        RollbackAnswer<uint> answer = Ask(patience, tpm =>
        {
            // The link broke after the command had gone: it is not done a second time.
            if (isSent)
                return RollbackAnswer<uint>.No(RollbackStatus.Busy, "the answer was lost; whether the counter has counted shows the next time");
            using TpmSession session = tpm.Oiap(secret);
            try
            {
                isSent = true;
                return RollbackAnswer<uint>.Done(tpm.IncrementCounter(ToHandle(index), session).Counter);
            }
            catch (TpmCommandException)
            {
                isSent = false;
                throw;
            }
        });
        // The same code stands for "no such counter" and for "another one has been counted in this boot cycle", the TPM's only one until the next.
        return answer.Status == RollbackStatus.Absent && ReadCounter(index, auth).IsDone
            ? RollbackAnswer<uint>.No(
                RollbackStatus.Refused, "the hardware TPM counts one counter from a start of the machine to the next, and that is somebody else's this time")
            : answer;
    }

    public uint AreaIndex(int number) => FirstArea | (uint)(number & 0xFFF);

    public RollbackAnswer<uint> DefineArea(uint index, in TpmAuthData auth, int size)
    {
        if (OwnerIsUnknown<uint>() is { } refusal) return refusal;
        using var secret = new TpmSecret(auth.ReadOnlySpan);
        WarnOfOpenNv();
        return Ask(SelfTestPatience, tpm =>
        {
            // The TPM would delete what is there.
            if (IsDefined(tpm, index)) return RollbackAnswer<uint>.No(RollbackStatus.Refused, $"the NV index 0x{index:x8} is taken");
            using TpmSession owner = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, _owner);
            var anything = new TpmPcrInfoShort { PcrSelection = TpmPcrSelection.Of(), LocalityAtRelease = TpmLocalitySelection.All };
            var area = new TpmNvDataPublic
            {
                NvIndex = index,
                PcrInfoRead = anything,
                PcrInfoWrite = anything,
                Permission = new TpmNvAttributes { Attributes = AreaPermission },
                DataSize = (uint)size,
            };
            tpm.NvDefineSpace(area, owner, secret);
            return RollbackAnswer<uint>.Done(index);
        });
    }

    public RollbackAnswer<byte[]> ReadArea(uint index, in TpmAuthData auth, int size)
    {
        using var secret = new TpmSecret(auth.ReadOnlySpan);
        return Ask(SelfTestPatience, tpm =>
        {
            using TpmSession session = tpm.Oiap(secret);
            byte[] content = tpm.NvReadValueAuth(index, 0, (uint)size, session);
            return content.Length == size
                ? RollbackAnswer<byte[]>.Done(content)
                : RollbackAnswer<byte[]>.No(RollbackStatus.Refused, $"the NV area 0x{index:x8} gives {content.Length} bytes of {size}");
        });
    }

    public RollbackAnswer<uint> WriteArea(uint index, in TpmAuthData auth, int offset, ReadOnlySpan<byte> data)
    {
        using var secret = new TpmSecret(auth.ReadOnlySpan);
        byte[] bytes = data.ToArray();
        try
        {
            return Ask(SelfTestPatience, tpm =>
            {
                using TpmSession session = tpm.Oiap(secret);
                tpm.NvWriteValueAuth(index, (uint)offset, bytes, session);
                return RollbackAnswer<uint>.Done(index);
            });
        }
        finally
        {
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static uint? Find(TpmClient tpm, uint label)
    {
        foreach (uint counter in tpm.GetHandles(TpmResourceType.Counter).Take(MostCounters))
            if (tpm.ReadCounter(counter).Label == label) return counter;
        return null;
    }

    private static uint ToIndex(uint handle) => handle == 0 ? IndexOfHandleZero : handle;

    private static uint ToHandle(uint index) => index == IndexOfHandleZero ? 0 : index;

    private static bool IsDefined(TpmClient tpm, uint index)
    {
        byte[] list = tpm.GetCapability(TpmCapability.NvList, []);
        for (int i = 0; i + sizeof(uint) <= list.Length; i += sizeof(uint))
            if (BinaryPrimitives.ReadUInt32BigEndian(list.AsSpan(i)) == index) return true;
        return false;
    }

    /// <summary>
    /// Before its manufacturer has locked it (nvLocked), an NV storage asks nobody for authorization. The manager does not lock it: that is for good,
    /// and what the manufacturer still had to define could never be.
    /// </summary>
    private void WarnOfOpenNv()
    {
        if (ReadPermanentFlags() is { NvLocked: false })
            _log.TpmWarn(
                "the hardware TPM's NV storage is not locked (nvLocked): whoever reaches this TPM can read and replace what the manager keeps there. Its manufacturer should have; TPM_NV_DefineSpace of index 0xFFFFFFFF does it, for good");
    }

    private TpmPermanentFlags? ReadPermanentFlags()
    {
        try
        {
            return Use(tpm => tpm.GetCapability<TpmPermanentFlags>(TpmCapability.Flag, (uint)TpmCapabilityFlag.Permanent));
        }
        catch (TpmException)
        {
            return null;   // One of an earlier revision answers fewer flags.
        }
    }

    /// <summary>One wrong guess was made at the start; more of them lock the TPM.</summary>
    private RollbackAnswer<T>? OwnerIsUnknown<T>() =>
        _ownerIsUnknown ? RollbackAnswer<T>.No(RollbackStatus.Refused, "owner_auth= is not this TPM's") : null;

    private RollbackAnswer<T> Ask<T>(TimeSpan patience, Func<TpmClient, RollbackAnswer<T>> commands)
    {
        try
        {
            return Use(commands, patience);
        }
        catch (TpmCommandException e)
        {
            RollbackStatus status = e switch
            {
                TpmBusyException => RollbackStatus.Busy,
                { Result: TpmResult.BadCounter or TpmResult.BadIndex } => RollbackStatus.Absent,
                { Result: TpmResult.NoSpace or TpmResult.Resources or TpmResult.Size } => RollbackStatus.NoRoom,
                _ => RollbackStatus.Refused,
            };
            return RollbackAnswer<T>.No(status, e.Message);
        }
    }
}
