using System.Buffers.Binary;
using System.Collections.Concurrent;
using Vtpm.Backend;
using Vtpm.Confinement;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;
using Vtpm.Xen;
using Vtpm.Xen.Tests;

namespace Vtpm.SystemTests;

/// <summary>The service of a backend domain on a model of Xen, with everything else real: the manager, and vTPMs in confined processes.</summary>
public sealed class TpmbackTests : IDisposable
{
    private static readonly Guid First = Guid.Parse("5f3ad1c8-52b7-4b3a-9a54-0d6d3f6f7a11");
    private static readonly Guid Second = Guid.Parse("7c0c5b2e-2f53-4a8e-9b60-0d9f4f3a1e55");

    private readonly TestFolder _folder = new();
    private readonly ConcurrentQueue<string> _log = [];
    private readonly ConcurrentQueue<(Guid Uuid, string Line)> _said = [];
    private readonly XenModel _model = new();
    private readonly ModelHost _host;
    private readonly BackendService _service;
    private readonly VtpmProcess _hardware;
    private VtpmProcess _manager;

    public TpmbackTests()
    {
        string hardware = "unix:" + _folder["hardware.sock"];
        _hardware = VtpmProcess.StartReady(VtpmProcess.Ready, "hardware", "--state", _folder["hardware.state"], "--listen", hardware, "--startup", "clear");
        _manager = StartManager();
        _host = _model.Domain(0);
        var launcher = new VtpmLauncher(VtpmBinary.Path, ["--without-ek"], SandboxUserRange.Parse(SandboxUserRange.Default));
        _service = new BackendService(_host, launcher, new BackendOptions
        {
            Images = _folder["images"],
            RunFolder = _folder["run"],
            Manager = TpmAddress.Unix(_folder["host.sock"]),
            Log = _log.Enqueue,
            ProcessLog = (uuid, line) => _said.Enqueue((uuid, line)),
        });
        _service.Prepare();
    }

    public void Dispose()
    {
        _service.Dispose();
        _host.Dispose();
        _manager.Dispose();
        _hardware.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Guests_HaveProcessesOfTheirOwn_WhichMayDoNothingElse()
    {
        RawFrontend first = Running(5, First), second = Running(6, Second);
        Extend(first);

        Assert.NotEqual(Pcr(first), Pcr(second));
        string[] users = [.. _service.Guests.Select(guest => Of(guest.Process, "Uid"))];
        Assert.Equal(2, users.Distinct().Count());
        foreach (GuestStatus guest in _service.Guests)
        {
            Assert.DoesNotContain("\t0", Of(guest.Process, "Uid"), StringComparison.Ordinal);
            Assert.Equal("0000000000000000", Of(guest.Process, "CapEff").Trim());
            Assert.Equal("2", Of(guest.Process, "Seccomp").Trim());
            // The log, which the base library has copies of, the two links, image and record, the connection to the manager; what is more is the
            // runtime's, and no file or socket.
            string[] open = [.. Directory.GetFiles($"/proc/{guest.Process}/fd").Select(path => File.ResolveLinkTarget(path, returnFinalTarget: false)!.Name)];
            Assert.Equal(4, open.Distinct().Count(name => name.StartsWith("socket:", StringComparison.Ordinal)));
            Assert.Contains(_said, said => said.Uuid == guest.Uuid && said.Line.StartsWith("INFO[VTPM]: confined: user ", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void KilledUnderItsGuest_ItIsThereAgainWithItsPcrsAndItsState()
    {
        RawFrontend guest = Running(5, First);
        for (int i = 0; i < 3; i++)
        {
            Extend(guest);
            string before = Pcr(guest);
            System.Diagnostics.Process.GetProcessById(_service.Guests[0].Process).Kill();
            Until(() => _service.Guests[0] is { State: GuestState.Serving } status && status.Restarts == i + 1);
            Assert.Equal(before, Pcr(guest));
        }

        Assert.Equal(BootOrigin.Whole, _service.Guests[0].Boot);
        Assert.Equal(TpmResult.Success, Send(guest, RawFrontend.Command(TpmOrdinal.SaveState)));
    }

    [Fact]
    public void ManagerThatIsKilled_IsFoundAgain()
    {
        RawFrontend guest = Running(5, First);
        int process = _service.Guests[0].Process;
        _manager.Kill();
        Assert.Equal(TpmResult.Retry, Send(guest, RawFrontend.Command(TpmOrdinal.SaveState)));
        _manager.Dispose();
        _manager = StartManager();

        Assert.Equal(TpmResult.Success, Send(guest, RawFrontend.Command(TpmOrdinal.SaveState)));
        Assert.Equal(process, _service.Guests[0].Process);
    }

    [Fact]
    public void GuestThatIsRestarted_HasItsStateAndNoPcrsOfBefore()
    {
        RawFrontend guest = Running(5, First);
        string zeros = Pcr(guest);
        Extend(guest);
        guest.Die();
        _model.Remove(guest.BackendPath);
        Until(() => _service.Guests.Count == 0);

        RawFrontend again = Running(6, First);

        Assert.Equal(zeros, Pcr(again));
        Assert.DoesNotContain(_log, line => line.Contains("by itself", StringComparison.Ordinal));
    }

    private VtpmProcess StartManager() => VtpmProcess.StartReady(
        VtpmProcess.ManagerReady, "manager", "--image", _folder["manager.img"], "--provision", _folder["approval.pem"], "--host", "unix:" + _folder["host.sock"],
        $"tpmdriver=unix:{_folder["hardware.sock"]}");

    private static string Of(int process, string name) =>
        File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith(name + ":", StringComparison.Ordinal))[(name.Length + 1)..];

    private RawFrontend Running(uint domain, Guid uuid)
    {
        _model.Domains[domain] = new DomainInfo(Guid.NewGuid(), HasRun: false, null);
        _model.Announce(0, domain, device: 0, uuid);
        var guest = new RawFrontend(_model, domain);
        Until(() => guest.BackendState == "2");
        guest.Publish();
        Until(() => guest.BackendState == "4");
        return guest;
    }

    private void Until(Func<bool> condition)
    {
        long deadline = Environment.TickCount64 + (long)VtpmProcess.Patience.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "it has not come to pass. The log:\n" + string.Join('\n', _log) + "\nThe manager:\n" + _manager.Log);
            _service.Turn(TimeSpan.FromMilliseconds(100));
        }
    }

    private TpmResult Send(RawFrontend guest, byte[] command)
    {
        guest.Submit(command);
        Until(() => guest.State == 2);
        return TpmMessage.ReadResult(guest.Answer);
    }

    private void Extend(RawFrontend guest) => Assert.Equal(TpmResult.Success, Send(guest, Command(TpmOrdinal.Extend, 34)));

    private string Pcr(RawFrontend guest)
    {
        Assert.Equal(TpmResult.Success, Send(guest, Command(TpmOrdinal.PcrRead, 14)));
        return Convert.ToHexString(guest.Answer.AsSpan(10));
    }

    private static byte[] Command(TpmOrdinal ordinal, int length)
    {
        byte[] command = RawFrontend.Command(ordinal, length);
        BinaryPrimitives.WriteInt32BigEndian(command.AsSpan(10), 4);
        return command;
    }
}
