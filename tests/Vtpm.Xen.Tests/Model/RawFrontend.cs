using System.Buffers.Binary;
using System.Globalization;
using Vtpm.Wire;

namespace Vtpm.Xen.Tests;

/// <summary>A frontend that does what the test says, right or wrong.</summary>
internal sealed class RawFrontend
{
    private readonly XenModel _model;
    private readonly string _path;

    public RawFrontend(XenModel model, uint domain, uint device = 0, uint backend = 0, ModelHost? host = null)
    {
        _model = model;
        Host = host ?? model.Domain(domain);
        _path = string.Create(CultureInfo.InvariantCulture, $"/local/domain/{domain}/device/vtpm/{device}");
        BackendPath = string.Create(CultureInfo.InvariantCulture, $"/local/domain/{backend}/backend/vtpm/{domain}/{device}");
        Backend = backend;
        Page = (ModelPage)Host.GrantPage(backend);
    }

    public ModelHost Host { get; }

    public uint Backend { get; }

    public string BackendPath { get; }

    public ModelPage Page { get; private set; }

    public uint Port { get; private set; }

    public int State
    {
        get => Page.Bytes[4];
        set => Page.Bytes[4] = (byte)value;
    }

    public string? BackendState => _model.Read($"{BackendPath}/state");

    public byte[] Answer => Page.Bytes[8..(8 + (int)BitConverter.ToUInt32(Page.Bytes))];

    public static byte[] Command(TpmOrdinal ordinal = TpmOrdinal.GetTicks, int length = 10)
    {
        byte[] command = new byte[length];
        BinaryPrimitives.WriteUInt16BigEndian(command, (ushort)TpmTag.RquCommand);
        BinaryPrimitives.WriteUInt32BigEndian(command.AsSpan(2), (uint)length);
        BinaryPrimitives.WriteUInt32BigEndian(command.AsSpan(6), (uint)ordinal);
        return command;
    }

    public void SetState(int state) => _model.Write($"{_path}/state", state.ToString(CultureInfo.InvariantCulture));

    public void Set(string name, string value) => _model.Write($"{_path}/{name}", value);

    /// <summary>What xen-tpmfront does at its probe: page and port published, state Initialised.</summary>
    public void Publish()
    {
        Port = Host.OfferEventChannel(Backend);
        Set("ring-ref", Page.Reference.ToString(CultureInfo.InvariantCulture));
        Set("event-channel", Port.ToString(CultureInfo.InvariantCulture));
        Set("feature-protocol-v2", "1");
        SetState(3);
    }

    public void NewPage() => Page = (ModelPage)Host.GrantPage(Backend);

    public void Put(byte[] message, byte locality = 0, uint? length = null, byte extraPages = 0)
    {
        BitConverter.TryWriteBytes(Page.Bytes, length ?? (uint)message.Length);
        Page.Bytes[5] = locality;
        Page.Bytes[7] = extraPages;
        int start = 8 + (4 * extraPages);
        message.AsSpan(0, Math.Min(message.Length, 4096 - start)).CopyTo(Page.Bytes.AsSpan(start));
    }

    public void Submit(byte[] message, byte locality = 0)
    {
        Put(message, locality);
        State = 1;
        Kick();
    }

    public void Kick() => Host.Notify(Port);

    /// <summary>The domain is gone: xenstore has nothing of it any more, its ports and its host are no more.</summary>
    public void Die()
    {
        Host.Dispose();
        _model.Remove(_path);
    }
}
