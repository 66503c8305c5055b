using System.Net.Sockets;
using Vtpm.Backend;
using Vtpm.Confinement;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>
/// The process of a guest's vTPM as <c>vtpm tpmback</c> starts it: confined, its requests by a link, with a record of its guest's boot in memory. This
/// program is in the service's place.
/// </summary>
internal sealed class LinkedVtpm : IDisposable
{
    private const int Patience = 60_000_000;

    private readonly FileBlockStore _image;
    private readonly FileBlockStore _record;
    private readonly string _recordPath;
    private readonly IVtpmProcess _process;
    private readonly byte[] _message = new byte[VtpmLinkMessage.BufferSize];

    /// <param name="vtpm">The executable.</param>
    /// <param name="manager">Its manager's socket.</param>
    /// <param name="uuid">Which of the manager's it is.</param>
    /// <param name="folder">For its image.</param>
    public LinkedVtpm(string vtpm, string manager, Guid uuid, string folder)
    {
        _recordPath = Path.Combine("/dev/shm", $"vtpm-bench-{uuid}");
        _image = FileBlockStore.OpenOrMake(Path.Combine(folder, "linked"));
        _record = FileBlockStore.Make(_recordPath, BootRecord.Length);
        BootRecord.Create(_record, new byte[BootRecord.GuestSize], BootOrigin.Whole);
        var launcher = new VtpmLauncher(vtpm, ["--without-ek"], SandboxUserRange.Parse(SandboxUserRange.Default));
        _process = launcher.Start(new VtpmLaunch(uuid, _image, IsImageNew: true, _record));
        AwaitStart(TpmAddress.Unix(manager));
        _process.Requests.Blocking = true;
    }

    public ProcessFigures Figures => new(_process.Id, "a vTPM behind its link");

    /// <summary>Sends one command of a guest.</summary>
    public void Send(ReadOnlySpan<byte> command)
    {
        int length = VtpmLinkMessage.WriteRequest(_message, isOurs: false, locality: 0, "1/0", "xen:1/0", command);
        _process.Requests.Send(_message.AsSpan(0, length));
        ReadOnlySpan<byte> answer = _message.AsSpan(0, _process.Requests.Receive(_message));
        if (!VtpmLinkMessage.TryReadResponse(answer, out ReadOnlySpan<byte> response) || TpmMessage.ReadResult(response) != TpmResult.Success)
            throw new BenchException($"{TpmMessage.ReadOrdinal(command)} was answered {Convert.ToHexString(answer)}");
    }

    public void Dispose()
    {
        _process.Kill();
        _process.Dispose();
        _image.Dispose();
        _record.Dispose();
        File.Delete(_recordPath);
    }

    private void AwaitStart(TpmAddress manager)
    {
        while (true)
        {
            var readable = new List<Socket> { _process.Requests, _process.Manager, _process.Log };
            Socket.Select(readable, null, null, Patience);
            if (readable.Count == 0) throw new BenchException("a vTPM behind its link does not start");
            // What it says is only kept from filling its link.
            if (readable.Contains(_process.Log)) _process.Log.Receive(_message);
            if (readable.Contains(_process.Manager) && ParentLink.Take(_process.Manager.SafeHandle) == ChildMessage.Connect)
            {
                using Socket connection = TpmConnection.Connect(manager);
                ParentLink.Give(_process.Manager.SafeHandle, connection.SafeHandle);
            }

            if (!readable.Contains(_process.Requests)) continue;
            int length = _process.Requests.Receive(_message);
            if (!VtpmLinkMessage.TryReadReady(_message.AsSpan(0, length), out _)) throw new BenchException("a vTPM behind its link has not started");
            return;
        }
    }
}
