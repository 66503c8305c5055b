namespace Vtpm.Tis.Tests.Support;

/// <content>Who has the TPM, and the pages by which each locality reaches it.</content>
internal sealed partial class TisDevice
{
    private const byte RequestUse = 0x02, PendingRequest = 0x04, Seize = 0x08, BeenSeized = 0x10, ActiveLocality = 0x20;

    private readonly bool[] _requested = new bool[5];
    private readonly bool[] _seized = new bool[5];

    /// <summary>The active locality.</summary>
    public int? Active { get; private set; }

    /// <summary>No TPM is there: the bus reads ones.</summary>
    public bool IsAbsent { get; set; }

    public uint DeviceAndVendor { get; set; } = 0x0001_1014;

    /// <summary>A TPM of the TIS has nothing there.</summary>
    public uint InterfaceId { get; set; } = uint.MaxValue;

    public bool IsAccessNeverValid { get; set; }

    public bool NeverGrants { get; set; }

    /// <summary>How long it takes to grant a locality.</summary>
    public TimeSpan GrantTime { get; set; }

    /// <summary>Whether a locality has asked and not been granted.</summary>
    public bool IsWaiting(int locality) => _requested[locality];

    /// <summary>Another program takes the TPM, while nobody has it.</summary>
    public void Occupy(int locality) => Active = Active is null ? locality : throw new InvalidOperationException("the TPM is not free");

    /// <summary>That program gives it back.</summary>
    public void Vacate() => Release();

    /// <summary>Another program asks for it.</summary>
    public void Ask(int locality) => _requested[locality] = true;

    /// <summary>A higher locality takes it from whoever has it: the command ends without a response.</summary>
    public void SeizeBy(int locality)
    {
        if (Active is { } old) _seized[old] = true;
        Active = locality;
        Enter(State.Idle);
    }

    public ITisRegisters Page(int locality) => new Registers(this, locality);

    private byte ReadAccess(int locality)
    {
        byte bits = IsAccessNeverValid ? (byte)0 : Valid;
        if (Active == locality) bits |= ActiveLocality;
        if (_seized[locality]) bits |= BeenSeized;
        if (_requested[locality]) bits |= RequestUse;
        if (_requested.Where((requested, other) => requested && other != locality).Any()) bits |= PendingRequest;
        return bits;
    }

    private void WriteAccess(int locality, byte value)
    {
        switch (value)
        {
            case RequestUse when Active == locality:
                break;
            case RequestUse:
                Request(locality);
                break;
            case ActiveLocality when Active == locality:
                Release();
                break;
            case ActiveLocality:
                _requested[locality] = false;
                break;
            case BeenSeized:
                _seized[locality] = false;
                break;
            case Seize when locality > Active:
                SeizeBy(locality);
                break;
            default:
                Violations.Add($"0x{value:x2} written to TPM_ACCESS_{locality}");
                break;
        }
    }

    private void Request(int locality)
    {
        // The bit stays while another locality has the TPM, and is forgotten by a TPM that takes no notice.
        if (NeverGrants && Active is null) return;
        _requested[locality] = true;
        if (Active is not null) return;
        if (GrantTime == TimeSpan.Zero) Grant(locality);
        else time.After(GrantTime, () => Grant(locality));
    }

    private void Grant(int locality)
    {
        if (!_requested[locality] || Active is not null) return;
        _requested[locality] = false;
        Active = locality;
    }

    private void Release()
    {
        Active = null;
        Enter(State.Idle);
        for (int locality = 4; locality >= 0; locality--) Grant(locality);
    }

    private sealed class Registers(TisDevice device, int locality) : ITisRegisters
    {
        private bool _disposed;

        private bool IsReadable => !device.IsAbsent && device.Active == locality;

        public byte ReadByte(int offset)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return offset switch
            {
                0x000 => device.IsAbsent ? TisRegister.Nothing : device.ReadAccess(locality),
                0x018 => IsReadable ? device.ReadStatus() : TisRegister.Nothing,
                0x024 => IsReadable ? device.ReadData() : TisRegister.Nothing,
                _ => throw new InvalidOperationException($"no byte is read at 0x{offset:x}"),
            };
        }

        public uint ReadUInt32(int offset)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (device.IsAbsent) return uint.MaxValue;
            return offset switch
            {
                0x018 => IsReadable ? (uint)(Valid | (device.ReadBurst() << 8)) : uint.MaxValue,
                0x030 => device.InterfaceId,
                0xF00 => device.DeviceAndVendor,
                _ => throw new InvalidOperationException($"no word is read at 0x{offset:x}"),
            };
        }

        public void WriteByte(int offset, byte value)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (device.IsAbsent) return;
            if (offset == 0x000) device.WriteAccess(locality, value);
            else if (device.Active != locality) device.Violations.Add($"0x{value:x2} written at 0x{offset:x} by locality {locality}, which is not the active one");
            else if (offset == 0x018) device.WriteStatus(value);
            else if (offset == 0x024) device.WriteData(value);
            else throw new InvalidOperationException($"no byte is written at 0x{offset:x}");
        }

        public void WriteUInt32(int offset, uint value) => throw new InvalidOperationException($"no word is written at 0x{offset:x}");

        public void Dispose() => _disposed = true;
    }
}
